"""`k3k version`."""

from __future__ import annotations

import platform
from typing import Any

from k3k_core import __version__
from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.session import Session


@verb(
    "version",
    details="With --context or --kubeconfig the Kubernetes version of that host is printed too.",
    examples=(
        Example("The version of k3k", "k3k version"),
        Example("And of a host", "k3k version --context prod"),
        Example("For a script", "k3k version -o json"),
    ),
    common=(
        options.output_option("table", "json", "yaml"),
        *options.host_options(namespace=False),
        options.general_options,
    ),
    outputs=("table", "json", "yaml"),
)
def command(session: Session) -> None:
    """Print the version."""
    from k3k_core.cli.output import write_document

    document: dict[str, Any] = {
        "schema": "k3k.version/v1",
        "client": {"version": __version__, "python": platform.python_version()},
    }
    settings = session.settings
    if settings.contexts or settings.kubeconfig:
        document["host"] = _ask_host(session)
    if settings.output != "table":
        write_document(session.console, document, settings.output)
        return
    session.console.data(f"k3k {__version__} (Python {document['client']['python']})")
    if "host" in document:
        from k3k_core.cli.terminal import escape

        host = document["host"]
        session.console.data(f"host {escape(host['name'])}: Kubernetes {escape(host['version'])}")


def _ask_host(session: Session) -> dict[str, str]:
    from k3k_core.cli.connect import on_host
    from k3k_core.host import HostApi

    async def ask(host: HostApi) -> dict[str, str]:
        return {"name": host.name, "server": host.server, "version": await host.version()}

    return on_host(session, ask)
