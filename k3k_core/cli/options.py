"""The common options, each defined once; they stand before the verb or after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from k3k_core.cli import complete
from k3k_core.cli.option import option

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
FORMATS = ("table", "wide", "json", "yaml", "name")


# The class takes a type argument only in newer versions of click.
if TYPE_CHECKING:
    _DurationBase = click.ParamType[float]
else:
    _DurationBase = click.ParamType


class Duration(_DurationBase):
    """A duration such as `30s` or `5m`, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse what was typed.

        Raises:
            click.BadParameter: it is no duration.
        """
        if isinstance(value, float):
            return value
        from k3k_core.cli.durations import parse_duration

        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def context_option(*, many: bool = False) -> Decorator:
    """`--context`, and `--all-contexts` where several hosts make sense.

    Args:
        many: the verb works on several hosts at once.
    """
    one = option(
        "--context",
        "contexts",
        multiple=True,
        metavar="NAME",
        common=True,
        shell_complete=complete.contexts,
        help="Context of the kubeconfig to use" + ("; repeat it for several hosts." if many else "."),
    )
    every = option(
        "--all-contexts",
        is_flag=True,
        default=None,
        common=True,
        help="Use every context of the kubeconfig.",
    )
    return (lambda function: one(every(function))) if many else one


name_argument = click.argument("name", shell_complete=complete.control_planes)
new_name_argument = click.argument("name")
kubeconfig_option = option(
    "--kubeconfig", metavar="FILE", common=True, help="Kubeconfig to use instead of $KUBECONFIG."
)
request_timeout_option = option(
    "--request-timeout",
    type=Duration(),
    metavar="DURATION",
    common=True,
    help="Longest time one request to a host may take (default 30s).",
)
namespace_option = option(
    "-n",
    "--namespace",
    metavar="NAME",
    common=True,
    shell_complete=complete.namespaces,
    help="Namespace of the host (default: the context's, else `default`).",
)
list_namespace_option = option(
    "-n",
    "--namespace",
    metavar="NAME",
    common=True,
    shell_complete=complete.namespaces,
    help="Only this namespace of the host (default: all).",
)
all_namespaces_option = option(
    "-A",
    "--all-namespaces",
    is_flag=True,
    default=None,
    common=True,
    help="All namespaces, whatever is configured.",
)


def output_option(*formats: str) -> Decorator:
    """`-o`, with the formats a verb has.

    Args:
        formats: some of FORMATS; the first is the default.
    """
    return option(
        "-o",
        "--output",
        type=click.Choice(formats),
        common=True,
        help=f"Output format (default {formats[0]}).",
    )


def general_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--no-color`, `-q`, `-v`: taken by every verb."""
    for add in (
        option(
            "-v", "--verbose", is_flag=True, default=None, common=True, help="Say more on standard error."
        ),
        option(
            "-q",
            "--quiet",
            is_flag=True,
            default=None,
            common=True,
            help="Say nothing but errors, warnings and the data asked for.",
        ),
        option("--no-color", is_flag=True, default=None, common=True, help="No colours."),
    ):
        function = add(function)
    return function


def host_options(*, many: bool = False, namespace: bool = True) -> tuple[Decorator, ...]:
    """The options of verbs that talk to a host.

    Args:
        many: several hosts at once.
        namespace: whether the verb works in a namespace.
    """
    scope: tuple[Decorator, ...] = (namespace_option,) if namespace else ()
    return (*scope, context_option(many=many), kubeconfig_option, request_timeout_option)
