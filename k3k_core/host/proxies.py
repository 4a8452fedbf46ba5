"""Which HTTP proxy stands between k3k and a host."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from k3k_core.errors import UsageError


def choose_proxy(server: str, explicit: str, environ: Mapping[str, str]) -> str:
    """Return the URL of the proxy to use for a server, "" for none.

    A kubeconfig's `proxy-url` counts for any server; the environment's proxies never for loopback, as in Go's
    `golang.org/x/net/http/httpproxy`, which kubectl uses.

    Args:
        server: the API server's URL.
        explicit: the kubeconfig's `proxy-url`, or "".
        environ: the environment.

    Raises:
        UsageError: the proxy is of a kind k3k does not speak, or its URL is broken.
    """
    if explicit:
        return _checked(explicit, "proxy-url")
    parts = urlsplit(server)
    variable = f"{parts.scheme}_proxy"
    found = _variable(environ, variable)
    host = (parts.hostname or "").rstrip(".")
    if not found or _is_loopback(host) or _is_exempt(host, parts.port, _variable(environ, "no_proxy")):
        return ""
    return _checked(found if "://" in found else f"http://{found}", variable.upper())


def _variable(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name.upper()) or environ.get(name) or ""


def _checked(url: str, origin: str) -> str:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise UsageError(f"The proxy in {origin} has a broken URL.") from None
    if parts.scheme not in {"http", "https"}:
        raise UsageError(
            f"k3k does not speak {parts.scheme or 'this kind of'} proxies ({origin}).",
            hint="Use an http:// or https:// proxy.",
        )
    if not usable:
        raise UsageError(f"The proxy in {origin} has a URL without a host.")
    return url


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_exempt(host: str, port: int | None, no_proxy: str) -> bool:
    entries = [entry.strip().lower() for entry in no_proxy.split(",")]
    return any(_matches(host.lower(), port, entry) for entry in entries if entry)


def _matches(host: str, port: int | None, entry: str) -> bool:
    if entry == "*":
        return True
    try:
        return ip_address(host) in ip_network(entry, strict=False)
    except ValueError:
        pass
    name, _, wanted_port = entry.rpartition(":")
    if name and wanted_port.isdigit():
        if port != int(wanted_port):
            return False
        entry = name.strip("[]")
    if _is_address(host):
        return host == entry
    entry = entry.removeprefix("*")
    if entry.startswith("."):
        return host.endswith(entry)
    return host == entry or host.endswith(f".{entry}")
