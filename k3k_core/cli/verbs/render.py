"""`k3k render`."""

from __future__ import annotations

from typing import Any, Literal

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.identity import identify
from k3k_core.cli.manifest_output import write_manifests
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.cli.values_input import read_values, values_options

FORMATS = ("yaml", "json")


@verb(
    "render",
    details="No host is contacted. With `--secrets omit` (the default) the output can go into a repository: "
    "authorities, tokens and the kubeconfig are left out and must be made by `k3k create`, or come "
    "from elsewhere. With `--secrets inline` everything is there, newly made, and the output is a secret.",
    examples=(
        Example("For a repository", "k3k render ci -n team-a -f values.yaml > ci.yaml"),
        Example(
            "Everything, applied at once",
            "k3k render ci -f values.yaml --secrets inline | kubectl apply -f -",
        ),
    ),
    common=(
        options.output_option(*FORMATS),
        options.namespace_option,
        options.context_option(),
        options.kubeconfig_option,
        options.general_options,
    ),
    outputs=FORMATS,
)
@options.new_name_argument
@values_options
@option(
    "--secrets",
    type=click.Choice(["inline", "omit"]),
    default="omit",
    help="Print secrets, or leave them out (default).",
)
def command(session: Session, name: str, secrets: Literal["inline", "omit"], **asked: Any) -> None:
    """Print the manifests."""
    from datetime import UTC, datetime

    from k3k_core.lifecycle.render import render

    identity = identify(session, name, new=True)
    values = read_values(session, **asked)
    if secrets == "inline":
        session.console.note("The output holds private keys and tokens.", "warn")
    write_manifests(session, render(identity, values, secrets=secrets, now=datetime.now(UTC)))
