"""What the shell is offered when a value is completed: contexts, namespaces, control planes, presets, versions.

Completion never fails and never says anything: whoever presses Tab wants a list or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import click

from k3k_core.cli.catalog import COMPLETE_VARIABLE, PROGRAM

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from k3k_core.cli.settings import Settings

TIMEOUT = 2.0

Completer: TypeAlias = "Callable[[click.Context, click.Parameter, str], list[CompletionItem]]"


def answer_shell(cli: click.Command, instruction: str) -> int:
    """Answer a request of the shell's completion function.

    Args:
        cli: the root command.
        instruction: e.g. "bash_complete".

    Returns:
        The exit code.
    """
    from click.shell_completion import shell_complete

    try:
        return shell_complete(cli, {}, PROGRAM, COMPLETE_VARIABLE, instruction)
    except Exception:  # noqa: BLE001 (a failing completion offers nothing)
        return 1


def _offer(incomplete: str, names: list[tuple[str, str]]) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name, help=help_) for name, help_ in names if name.startswith(incomplete)]


def _quietly(find: Callable[[click.Context], list[tuple[str, str]]]) -> Completer:
    def complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return _offer(incomplete, find(ctx))
        except Exception:  # noqa: BLE001 (a failing completion offers nothing)
            return []

    return complete


def _settings(ctx: click.Context) -> Settings:
    """Return the settings as far as they have been typed."""
    from k3k_core.cli.settings import resolve

    own = {name: value for name, value in ctx.params.items() if name != "output"}
    outer = {name: value for name, value in ctx.find_root().params.items() if name != "output"}
    return resolve(own, outer, many_hosts=True)


def _find_contexts(ctx: click.Context) -> list[tuple[str, str]]:
    from k3k_core.host import HostOptions, hosts

    settings = _settings(ctx)
    return [(found.name, found.server) for found in hosts(HostOptions(settings.kubeconfig))]


def _find_namespaces(ctx: click.Context) -> list[tuple[str, str]]:
    return [(namespace, "") for namespace in sorted({row[0] for row in _rows(ctx)})]


def _find_control_planes(ctx: click.Context) -> list[tuple[str, str]]:
    namespace = _settings(ctx).namespace
    return [(name, verdict) for place, name, verdict in _rows(ctx) if namespace in (None, place)]


def _rows(ctx: click.Context) -> list[tuple[str, str, str]]:
    """Ask the host for its control planes, for a short time."""
    import asyncio
    from datetime import UTC, datetime

    from k3k_core.cli.connect import run
    from k3k_core.discovery import list_control_planes
    from k3k_core.host import HostOptions, open_host

    settings = _settings(ctx)

    async def ask() -> list[tuple[str, str, str]]:
        options = HostOptions(settings.kubeconfig, settings.context, TIMEOUT)
        async with asyncio.timeout(TIMEOUT), open_host(options) as host:
            rows = await list_control_planes(host, namespace=None, now=datetime.now(UTC))
            return [(row.namespace, row.name, row.verdict) for row in rows]

    return run(ask())


def _find_presets(_ctx: click.Context) -> list[tuple[str, str]]:
    from k3k_core.values import PRESETS

    return [(name, "") for name in PRESETS]


def _find_versions(_ctx: click.Context) -> list[tuple[str, str]]:
    from k3k_core.releases import KNOWN

    return [(version, "") for version in reversed(KNOWN)]


contexts = _quietly(_find_contexts)
namespaces = _quietly(_find_namespaces)
control_planes = _quietly(_find_control_planes)
presets = _quietly(_find_presets)
versions = _quietly(_find_versions)


def files(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave the completion of a path to the shell."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]
