"""`k3k diff`."""

from __future__ import annotations

from typing import Any

import click

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.diff_output import differing, write_diff
from k3k_core.cli.identity import identify
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.cli.values_input import read_values, values_options
from k3k_core.errors import UsageError

FORMATS = ("table", "json", "yaml", "name")


@verb(
    "diff",
    details="The host itself computes it (a dry run of server-side apply); nothing is changed. The exit code "
    "is 0 whether there are differences or not, unless --exit-code is given. Secret values are never shown.",
    examples=(
        Example("What the file would change", "k3k diff ci -n team-a -f values.yaml"),
        Example("In a script: exit code 1 when something would", "k3k diff ci -f values.yaml --exit-code -q"),
        Example("Another version", "k3k diff ci -n team-a -f values.yaml --version v1.35.1+k3s1"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
@values_options
@option("--exit-code", is_flag=True, help="Exit with 1 when there are differences.")
def command(session: Session, name: str, exit_code: bool, **asked: Any) -> None:
    """Show what would change."""
    from k3k_core.lifecycle.diff import diff

    identity = identify(session, name)
    if not any(asked.values()):
        raise UsageError("There are no values to compare with.", hint="Give -f FILE, --preset or --set.")
    values = read_values(session, **asked)
    diffs = on_host(session, lambda host: diff(host, identity, values))
    write_diff(session, identity, diffs)
    if exit_code and differing(diffs):
        raise click.exceptions.Exit(1)
