"""What a k3s server finds before its first start: certificate authorities, tokens, token file."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath

from k3k_core.pki import Authority, Leaf, issue_server_certificate, new_authority
from k3k_core.pki.bundles import keys_of
from k3k_core.sandbox.api.authn import User
from k3k_core.sandbox.k3s.certificate_files import LIFETIME
from k3k_core.sandbox.k3s.config import K3sConfig
from k3k_core.sandbox.k3s.identities import JoinTokens, password_of, read_token_file
from k3k_core.sandbox.loopback import is_loopback
from k3k_core.sandbox.node.process import Launch, StartError

_PAIRS = ("server-ca", "client-ca", "request-header-ca")


def fatal(message: str) -> StartError:
    """Return the error of a k3s that ends with a message in its log."""
    return StartError(f'level=fatal msg="{message}"')


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a server shows to its clients and accepts from them.

    Attributes:
        server_ca: signs its certificate.
        client_ca: signs its clients' certificates.
        files: all certificate files, by the names k3s gives them below `server/tls`.
        identities: users of the token file, by bearer token.
        tokens: join passwords.
    """

    server_ca: Authority
    client_ca: Authority
    files: Mapping[str, str] = field(repr=False)
    identities: Mapping[str, User] = field(repr=False)
    tokens: JoinTokens


def _tls_files(launch: Launch, config: K3sConfig) -> dict[str, str]:
    """Collect certificate files: mounted in place, or by an init container that copies them there.

    A Secret has no directories, so `etcd-server-ca.crt` stands for `etcd/server-ca.crt`.
    """
    found: dict[str, str] = {}
    for files in launch.init_files:
        for mounted in files.directories():
            if any(name.endswith("ca.crt") and name != "ca.crt" for name in mounted):
                found.update({name.replace("etcd-", "etcd/", 1): text for name, text in mounted.items()})
    found.update(launch.files.under(str(PurePosixPath(config.data_dir()) / "server/tls")))
    return found


def read_credentials(launch: Launch, config: K3sConfig, kept: dict[str, str], now: datetime) -> Credentials:
    """Read or make the credentials of a server; files that lie next to its data win over mounted ones.

    Args:
        launch: what the container was given.
        config: of k3s.
        kept: files next to the data; made complete here.
        now: the current time.

    Raises:
        StartError: a file is missing or does not fit the others.
    """
    for name, text in _tls_files(launch, config).items():
        kept.setdefault(name, text)
    for stem in _PAIRS:
        _complete(stem, kept, now)
    server_ca = Authority(kept["server-ca.crt"], kept["server-ca.key"])
    client_ca = Authority(kept["client-ca.crt"], kept["client-ca.key"])
    for name, authority in (("server-ca", server_ca), ("client-ca", client_ca)):
        _check_pair(name, authority)
    return Credentials(
        server_ca, client_ca, dict(kept), _identities(launch, config), _join_tokens(launch, config, kept)
    )


def _complete(stem: str, files: dict[str, str], now: datetime) -> None:
    """k3s makes an authority it does not find at all; half of one is an error."""
    certificate, key = f"{stem}.crt", f"{stem}.key"
    present = [name for name in (certificate, key) if files.get(name)]
    if len(present) == 1:
        missing = key if present[0] == certificate else certificate
        raise fatal(
            f"starting kubernetes: preparing server: open server/tls/{missing}: no such file or directory"
        )
    if not present:
        made = new_authority(f"k3s-{stem}", now)
        files[certificate], files[key] = made.cert_pem, made.key_pem


def _check_pair(name: str, authority: Authority) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    try:
        certificate = x509.load_pem_x509_certificate(authority.cert_pem.encode())
        first = next(iter(keys_of(authority.key_pem)), authority.key_pem)
        key = serialization.load_pem_private_key(first.encode(), password=None)
    except ValueError:
        raise fatal(f"starting kubernetes: preparing server: server/tls/{name} holds no usable PEM") from None
    if key.public_key() != certificate.public_key():
        raise fatal("starting kubernetes: preparing server: tls: private key does not match public key")


def _file(launch: Launch, path: str) -> str:
    text = launch.files.read(path)
    if text is None:
        raise fatal(f"open {path}: no such file or directory")
    return text


def _identities(launch: Launch, config: K3sConfig) -> dict[str, User]:
    path = config.apiserver_arg("token-auth-file")
    if path is None:
        return {}
    try:
        return read_token_file(_file(launch, path))
    except ValueError as error:
        raise fatal(f"apiserver exited: invalid authentication config: {error}") from None


def _join_tokens(launch: Launch, config: K3sConfig, kept: dict[str, str]) -> JoinTokens:
    given = _token(launch, config, "token")
    server = given or kept.setdefault("generated-token", secrets.token_hex(16))
    return JoinTokens(server, _token(launch, config, "agent-token") or server)


def _token(launch: Launch, config: K3sConfig, flag: str) -> str:
    path = config.get(f"{flag}-file")
    if not path:
        return password_of(config.get(flag))
    token = password_of(_file(launch, path))
    if not token:
        raise fatal(f"{path} is empty: a token is needed")
    return token


def serving_certificate(
    launch: Launch,
    config: K3sConfig,
    credentials: Credentials,
    now: datetime,
    until: datetime | None = None,
) -> Leaf:
    """Issue the certificate of the listener, for the names and addresses the real k3s would take.

    Args:
        launch: what the container was given.
        config: of k3s.
        credentials: with the server authority.
        now: the current time.
        until: when it ends; a year from now by default.
    """
    import ipaddress

    domain = config.get("cluster-domain", "cluster.local")
    services = config.all_of("service-cidr") or ("10.43.0.0/16",)
    pod = launch.pod["metadata"]["name"]
    names = ["localhost", pod, *("kubernetes" + tail for tail in ("", ".default", ".default.svc"))]
    names.append(f"kubernetes.default.svc.{domain}")
    addresses = ["127.0.0.1", "::1", launch.address]
    addresses += [str(ipaddress.ip_network(cidr, strict=False)[1]) for cidr in services]
    for name in (
        *config.all_of("tls-san"),
        config.get("advertise-address"),
        *config.all_of("node-external-ip"),
    ):
        try:
            addresses.append(str(ipaddress.ip_address(name)))
        except ValueError:
            if name:
                names.append(name)
    return issue_server_certificate(
        credentials.server_ca,
        common_name="k3s",
        dns_names=names,
        ip_addresses=addresses,
        not_before=now if until is None else until - LIFETIME,
        lifetime=LIFETIME,
    )


def check_writable(launch: Launch, config: K3sConfig) -> None:
    """Check that k3s can write where it has to.

    Raises:
        StartError: a directory is read-only.
    """
    for path in (config.data_dir(), "/etc/rancher", "/tmp"):  # noqa: S108, a path in the container
        if not launch.files.writable(path):
            raise fatal(f"mkdir {path}: read-only file system")
    address = launch.address
    if not is_loopback(address):
        raise fatal(f"listen tcp {address}:{config.port()}: bind: cannot assign requested address")
