"""The root command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from k3k_core.cli import options
from k3k_core.cli.group import LazyGroup
from k3k_core.cli.option import CONTEXT_SETTINGS


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from k3k_core import __version__

        click.echo(f"k3k {__version__}")
        ctx.exit()


def _root_options(function: Callable[..., Any]) -> Callable[..., Any]:
    decorators = (
        options.namespace_option,
        options.all_namespaces_option,
        options.context_option(many=True),
        options.kubeconfig_option,
        options.output_option(*options.FORMATS),
        options.request_timeout_option,
        options.general_options,
    )
    for add in reversed(decorators):
        function = add(function)
    return function


@click.group(
    "k3k",
    cls=LazyGroup,
    context_settings=dict(CONTEXT_SETTINGS),
    subcommand_metavar="VERB [ARGS]...",
    epilog="`k3k VERB --help` has examples. `k3k demo` shows a fleet without any cluster.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version and exit.",
)
@_root_options
def cli(**_common: Any) -> None:
    """Agent-less k3s control planes inside Kubernetes."""
