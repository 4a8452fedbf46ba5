"""Everything needed to reach one host, taken from a kubeconfig or from the pod k3k runs in."""

from __future__ import annotations

import base64
import binascii
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from k3k_core.errors import UsageError
from k3k_core.host.api import HostOptions
from k3k_core.host.exec_plugin import API_VERSIONS, ExecPlugin
from k3k_core.host.kubeconfig import Entry, Kubeconfig, load_kubeconfig, no_host, text, texts
from k3k_core.host.proxies import choose_proxy

IN_CLUSTER = "in-cluster"
# Where the kubelet mounts a pod's identity.
SERVICE_ACCOUNT_DIRECTORY = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_EXEC_EXTENSION = "client.authentication.k8s.io/exec"


@dataclass(frozen=True, slots=True)
class Login:
    """How to prove who we are. Several may be given: a client certificate goes with any of the others.

    Attributes:
        token: a fixed bearer token.
        token_file: a file that holds the current bearer token.
        basic: user name and password.
        certificate: client certificate, PEM.
        key: its private key, PEM.
        plugin: a program to ask.
        impersonation: headers that ask to act as somebody else.
    """

    token: str = field(default="", repr=False)
    token_file: Path | None = None
    basic: tuple[str, str] | None = field(default=None, repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)
    plugin: ExecPlugin | None = None
    impersonation: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Connection:
    """One host and how to reach it.

    Attributes:
        name: the context's name, or "in-cluster".
        server: the API server's URL, without a trailing slash.
        namespace: the context's namespace.
        authority: certificates to trust, PEM; empty means the system's.
        tls_server_name: the name to expect in the server's certificate, "" for the URL's host.
        insecure: whether any certificate is accepted.
        proxy: URL of an HTTP proxy, or "".
        login: how to prove who we are.
    """

    name: str
    server: str
    namespace: str = "default"
    authority: bytes = field(default=b"", repr=False)
    tls_server_name: str = ""
    insecure: bool = False
    proxy: str = field(default="", repr=False)
    login: Login = field(default_factory=Login)


def find_connection(
    options: HostOptions,
    environ: Mapping[str, str],
    service_account: Path = SERVICE_ACCOUNT_DIRECTORY,
) -> Connection:
    """Decide which host to talk to: the kubeconfig's context, or the cluster around this pod.

    Args:
        options: what the user asked for.
        environ: the environment.
        service_account: the folder with the pod's identity.

    Raises:
        UsageError: there is no host, or its entries are not usable.
    """
    config = load_kubeconfig(options, environ)
    if config is not None and (config.contexts or options.context or options.kubeconfig):
        return from_kubeconfig(config, options.context, environ)
    connection = in_cluster(environ, service_account)
    if connection is None or options.context not in {None, IN_CLUSTER}:
        raise no_host(environ)
    return connection


def in_cluster(environ: Mapping[str, str], folder: Path) -> Connection | None:
    """Return the connection for the pod k3k runs in, None when it runs in none.

    https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
    """
    host, port = environ.get("KUBERNETES_SERVICE_HOST"), environ.get("KUBERNETES_SERVICE_PORT")
    token, authority = folder / "token", folder / "ca.crt"
    if not host or not port or not token.is_file():
        return None
    namespace = folder / "namespace"
    return Connection(
        name=IN_CLUSTER,
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        namespace=namespace.read_text(encoding="utf-8").strip() if namespace.is_file() else "default",
        authority=_read(authority, "the pod's certificate authority") if authority.is_file() else b"",
        login=Login(token_file=token),
    )


def from_kubeconfig(config: Kubeconfig, context: str | None, environ: Mapping[str, str]) -> Connection:
    """Return the connection a context describes.

    Raises:
        UsageError: there is no such context, or an entry is missing or not usable.
    """
    chosen = config.select(context)
    cluster = _referred(config.clusters, chosen, "cluster")
    user_name = text(chosen, "user")
    server = _server(cluster)
    return Connection(
        name=chosen.name,
        server=server,
        namespace=text(chosen, "namespace") or "default",
        authority=_material(cluster, "certificate-authority"),
        tls_server_name=text(cluster, "tls-server-name"),
        insecure=_flag(cluster, "insecure-skip-tls-verify"),
        proxy=choose_proxy(server, text(cluster, "proxy-url"), environ),
        login=_login(_referred(config.users, chosen, "user"), cluster) if user_name else Login(),
    )


def _referred(entries: Mapping[str, Entry], context: Entry, key: str) -> Entry:
    name = text(context, key)
    if name not in entries:
        raise UsageError(
            f"Kubeconfig {context.source}: context {context.name!r} names a missing {key}, {name!r}."
        )
    return entries[name]


def _server(cluster: Entry) -> str:
    server = text(cluster, "server")
    broken = UsageError(
        f"Kubeconfig {cluster.source}: cluster {cluster.name!r} has no usable server URL.",
        hint="It should look like https://host:6443, without a user name or a password.",
    )
    try:
        parts = urlsplit(server)
        port = parts.port
    except ValueError:
        raise broken from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or parts.username is not None:
        raise broken
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def _login(user: Entry, cluster: Entry) -> Login:
    if "auth-provider" in user.content:
        return _legacy_login(user)
    token_file = text(user, "tokenFile")
    name, password = text(user, "username"), text(user, "password")
    return Login(
        token=text(user, "token"),
        token_file=user.folder / token_file if token_file else None,
        basic=(name, password) if name else None,
        certificate=_material(user, "client-certificate"),
        key=_material(user, "client-key"),
        plugin=_plugin(user, cluster) if user.content.get("exec") else None,
        impersonation=_impersonation(user),
    )


def _legacy_login(user: Entry) -> Login:
    # A refresh would use up a refresh token whose successor we could not store: the kubeconfig is the user's.
    provider = user.content["auth-provider"]
    settings = provider.get("config") if isinstance(provider, dict) else None
    token = settings.get("id-token") if isinstance(settings, dict) else None
    if isinstance(token, str) and provider.get("name") == "oidc":
        return Login(token=token, impersonation=_impersonation(user))
    raise UsageError(
        f"Kubeconfig {user.source}: user {user.name!r} uses an auth-provider k3k does not speak.",
        hint="Use the provider's exec plugin, as kubectl does since 1.26.",
    )


def _impersonation(user: Entry) -> tuple[tuple[str, str], ...]:
    headers = [("Impersonate-User", text(user, "as")), ("Impersonate-Uid", text(user, "as-uid"))]
    headers += [("Impersonate-Group", group) for group in texts(user, user.content, "as-groups")]
    extra = user.content.get("as-user-extra") or {}
    if not isinstance(extra, dict):
        raise UsageError(f"Kubeconfig {user.source}: as-user-extra of {user.name!r} must be a mapping.")
    for key in extra:
        headers += [(f"Impersonate-Extra-{key}", value) for value in texts(user, extra, key)]
    return tuple((key, value) for key, value in headers if value)


def _plugin(user: Entry, cluster: Entry) -> ExecPlugin:
    block = user.content["exec"]
    command = block.get("command") if isinstance(block, dict) else None
    if not isinstance(block, dict) or not isinstance(command, str) or not command:
        raise UsageError(f"Kubeconfig {user.source}: exec of user {user.name!r} needs a command.")
    api_version = block.get("apiVersion")
    if api_version not in API_VERSIONS:
        raise UsageError(
            f"Kubeconfig {user.source}: exec of user {user.name!r} has an apiVersion k3k does not speak.",
            hint=f"Known: {', '.join(API_VERSIONS)}.",
        )
    return ExecPlugin(
        user=user.name,
        command=_command(command, user.folder),
        arguments=texts(user, block, "args"),
        variables=_variables(user, block),
        api_version=api_version,
        interactive_mode=str(block.get("interactiveMode") or "IfAvailable"),
        cluster=_cluster_info(cluster) if block.get("provideClusterInfo") else None,
        install_hint=str(block.get("installHint") or ""),
    )


def _variables(user: Entry, block: Mapping[str, Any]) -> dict[str, str]:
    pairs = block.get("env") or []
    if not isinstance(pairs, list) or not all(isinstance(pair, dict) and "name" in pair for pair in pairs):
        raise UsageError(f"Kubeconfig {user.source}: env of user {user.name!r} must be names and values.")
    return {str(pair["name"]): str(pair.get("value") or "") for pair in pairs}


def _command(command: str, folder: Path) -> str:
    # Relative paths start from the kubeconfig; bare names are looked up in PATH, and never in the folder.
    if "/" in command:
        return str(folder / command)
    return shutil.which(command) or command


def _cluster_info(cluster: Entry) -> dict[str, Any]:
    info: dict[str, Any] = {"server": text(cluster, "server"), "config": None}
    for key in ("tls-server-name", "insecure-skip-tls-verify", "proxy-url"):
        if cluster.content.get(key):
            info[key] = cluster.content[key]
    authority = _material(cluster, "certificate-authority")
    if authority:
        info["certificate-authority-data"] = base64.b64encode(authority).decode()
    extensions = cluster.content.get("extensions")
    for extension in extensions if isinstance(extensions, list) else ():
        if isinstance(extension, dict) and extension.get("name") == _EXEC_EXTENSION:
            info["config"] = extension.get("extension")
    return info


def _flag(entry: Entry, key: str) -> bool:
    value = entry.content.get(key, False)
    if not isinstance(value, bool):
        raise UsageError(f"Kubeconfig {entry.source}: {key} of {entry.name!r} must be true or false.")
    return value


def _material(entry: Entry, key: str) -> bytes:
    """Return PEM bytes from `KEY-data` (base64), else from the file named by `KEY`."""
    inline = text(entry, f"{key}-data")
    if inline:
        try:
            return base64.b64decode("".join(inline.split()), validate=True)
        except (binascii.Error, ValueError):
            raise UsageError(
                f"Kubeconfig {entry.source}: {key}-data of {entry.name!r} is not base64."
            ) from None
    path = text(entry, key)
    return (
        _read(entry.folder / path, f"{key} of {entry.name!r} in kubeconfig {entry.source}") if path else b""
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"File {path} ({what}) cannot be read: {error.strerror}.") from None
