"""`k3k serve`."""

from __future__ import annotations

import ipaddress
import shlex
import sys
from typing import TYPE_CHECKING

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import run
from k3k_core.cli.option import option
from k3k_core.cli.session import Session
from k3k_core.cli.settings import Settings
from k3k_core.errors import UsageError

if TYPE_CHECKING:
    from k3k_core.exporter.web.listener import Address


@verb(
    "serve",
    details="Prints an address with a token; each window that opens it gets a dashboard of its own, run on this "
    "machine by the user who runs this command. Who has the address can do what that user can: it is served to this "
    "machine alone unless --expose says otherwise, and without TLS, which is a proxy's to add.",
    examples=(
        Example("On this machine", "k3k serve"),
        Example("Every host of the kubeconfig, to look only", "k3k serve --all-contexts --read-only"),
        Example("The demonstration", "k3k serve --demo"),
        Example(
            "Behind a proxy with TLS",
            "k3k serve --listen 10.0.0.5:9810 --expose --public-url https://k3k.example.com",
        ),
    ),
    common=(
        options.list_namespace_option,
        options.all_namespaces_option,
        *options.host_options(many=True, namespace=False),
        options.general_options,
    ),
    many_hosts=True,
)
@option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:9810",
    help="Where to serve, port 0 for any free one (default 127.0.0.1:9810).",
)
@option("--expose", is_flag=True, help="Serve to other machines too, when --listen says so.")
@option("--public-url", metavar="URL", default="", help="Where a proxy in front is reached.")
@option("--read-only", is_flag=True, help="Leave out everything that changes something.")
@option("--demo", is_flag=True, help="Serve the demonstration, a new one for each window.")
@option("--theme", metavar="NAME", default="", help="Colours.")
@option("--keymap", metavar="NAME", default="", help="What the keys do: default, k9s or vim.")
@option(
    "--refresh",
    type=options.Duration(),
    metavar="DURATION",
    help="Time between two readings of a control plane (default 15s).",
)
def command(
    session: Session,
    listen: str,
    expose: bool,
    public_url: str,
    read_only: bool,
    demo: bool,
    theme: str,
    keymap: str,
    refresh: float | None,
) -> None:
    """Serve the dashboard to browsers."""
    from k3k_core.exporter.web.listener import Address

    address = Address.parse(listen)
    if not expose and not _is_loopback(address.host):
        raise UsageError(
            f"{address} can be reached from other machines, and who opens the dashboard can do what you can.",
            hint="--expose says that this is wanted; put a proxy with TLS in front.",
        )
    _check_url(public_url)
    flags = ["--read-only"] if read_only else []
    for name, value in (("--theme", theme), ("--keymap", keymap)):
        flags += [name, value] if value else []
    if demo:
        words = ["demo", *flags]
    else:
        flags += ["--refresh", f"{refresh:g}s"] if refresh is not None else []
        words = ["tui", *flags, *_host_words(session.settings)]
    command_line = shlex.join([sys.executable, "-m", "k3k_core.cli.main", *words])
    run(_serve(session, address, command_line, public_url=public_url, read_only=read_only, demo=demo))


async def _serve(
    session: Session, address: Address, command_line: str, *, public_url: str, read_only: bool, demo: bool
) -> None:
    from contextlib import ExitStack

    from k3k_core.cli.stopping import stop_signals
    from k3k_core.exporter.web.listener import Address, bind
    from k3k_tui.commands.web_server import WebOptions, serving

    sockets = bind(address)
    with ExitStack() as stack, stop_signals() as stopped:
        for each in sockets:
            stack.enter_context(each)
        web = WebOptions(command_line, public_url=public_url)
        async with serving(sockets, web):
            places = [str(Address(*each.getsockname()[:2])) for each in sockets]
            urls = [public_url.rstrip("/")] if public_url else [f"http://{place}" for place in places]
            session.console.data("\n".join(f"{url}/?token={web.token}" for url in urls))
            sys.stdout.flush()
            session.console.note(_exposure(session.settings, read_only=read_only, demo=demo))
            if not all(_is_loopback(each.getsockname()[0]) for each in sockets):
                session.console.warn(
                    "other machines can reach it, and what is typed and shown is not encrypted on the way."
                )
            session.console.note("Ctrl-C stops it.")
            await stopped.wait()


def _exposure(settings: Settings, *, read_only: bool, demo: bool) -> str:
    """Say what somebody gets who has the address."""
    if demo:
        return "Who opens it gets a demonstration of their own, and a shell on this machine through it."
    where = "every context of your kubeconfig" if settings.all_contexts else ", ".join(settings.contexts)
    where = where or "the current context of your kubeconfig"
    if read_only:
        return f"Who opens it sees all that you can see on {where}, and changes nothing."
    return (
        f"Who opens it can do all that you can do on {where}: create, change and delete control planes, read their "
        "kubeconfigs. --read-only takes that away."
    )


def _host_words(settings: Settings) -> list[str]:
    """Return the options that lead a session to the same hosts."""
    words: list[str] = []
    for context in settings.contexts:
        words += ["--context", context]
    words += ["--all-contexts"] if settings.all_contexts else []
    words += ["--kubeconfig", settings.kubeconfig] if settings.kubeconfig else []
    words += ["--namespace", settings.namespace] if settings.namespace else []
    words += ["--all-namespaces"] if settings.all_namespaces else []
    words += ["--request-timeout", f"{settings.request_timeout:g}s"]
    return words + (["--no-color"] if settings.no_color else [])


def _check_url(url: str) -> None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        usable = not url or (parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.query)
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(f"--public-url: {url!r} is no URL.", hint="Write https://HOST or https://HOST/PATH.")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
