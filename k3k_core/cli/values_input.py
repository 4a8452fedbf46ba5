"""Values as the command line gives them: a file or standard input, a preset, single values."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from k3k_core.cli import complete
from k3k_core.cli.option import option
from k3k_core.cli.session import Session

if TYPE_CHECKING:
    from k3k_core.values import LoadedValues

_SECTION = "Values"


def values_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-f`, `--preset`, `--set`, `--version`, `--ttl`: what every verb takes that reads values."""
    for add in reversed(
        (
            option(
                "-f",
                "--file",
                "file",
                metavar="FILE",
                section=_SECTION,
                shell_complete=complete.files,
                help="Values file, `-` for standard input.",
            ),
            option(
                "--preset",
                metavar="NAME",
                section=_SECTION,
                shell_complete=complete.presets,
                help="Start from a preset: ci, dev, tenant or edge.",
            ),
            option(
                "--set",
                "assignments",
                multiple=True,
                metavar="PATH=VALUE",
                section=_SECTION,
                help="Set one value, e.g. --set datastore.kind=etcd; may be repeated.",
            ),
            option(
                "--version",
                "k3s_version",
                metavar="VERSION",
                section=_SECTION,
                shell_complete=complete.versions,
                help="The k3s version to run.",
            ),
            option(
                "--ttl",
                metavar="DURATION",
                section=_SECTION,
                help="Time to live, e.g. 2h; afterwards it counts as expired.",
            ),
        )
    ):
        function = add(function)
    return function


def read_values(
    session: Session,
    *,
    file: str | None,
    preset: str | None,
    assignments: tuple[str, ...],
    k3s_version: str | None = None,
    ttl: str | None = None,
) -> LoadedValues:
    """Load and check the values asked for; their warnings go to standard error.

    Args:
        session: of the verb.
        file: path of a values file, "-" for standard input, None for none.
        preset: name of a preset.
        assignments: `a.b=c`, stronger than the file.
        k3s_version: stronger than both.
        ttl: stronger than both.

    Raises:
        UsageError: the file cannot be read, or the values are wrong.
    """
    from k3k_core.values import load_values, read_values_file

    text = read_values_file(file) if file is not None else ""
    source = {None: "values", "-": "standard input"}.get(file, file) or "values"
    overrides = list(assignments)
    overrides += [f"version={k3s_version}"] if k3s_version is not None else []
    overrides += [f"ttl={ttl}"] if ttl is not None else []
    loaded = load_values(text, source=source, preset=preset, overrides=overrides)
    for issue in loaded.warnings:
        session.console.warn(str(issue))
    return loaded
