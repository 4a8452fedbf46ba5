"""etcd and kube-apiserver as real processes on loopback, from where kubebuilder's tools keep them too."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from k3k_core.pki import (
    ControlPlanePki,
    issue_client_certificate,
    issue_server_certificate,
    kubeconfig,
    new_pki,
)

# Where kubebuilder's `setup-envtest` installs when nothing else is said.
_DEFAULT_ASSETS = Path("/usr/local/kubebuilder/bin")
_NEEDED = ("etcd", "kube-apiserver")
_CONTROLLERS = "kube-controller-manager"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_LIFETIME = timedelta(days=1)
_TOKEN = "contract-admin"


@dataclass(frozen=True, slots=True)
class RealServer:
    """A running API server.

    Attributes:
        url: where it is.
        authority: what its certificate is verified against, PEM.
        token: bearer token of a cluster administrator.
        controllers: whether the controllers of Kubernetes run too: without them no namespace ever goes.
    """

    url: str
    authority: bytes = field(repr=False)
    token: str = field(repr=False)
    controllers: bool


def find_assets() -> Path | None:
    """Return the folder with etcd and kube-apiserver, None when this machine has none.

    Raises:
        FileNotFoundError: KUBEBUILDER_ASSETS names a folder without them; what was asked for is not left out.
    """
    asked = os.environ.get("KUBEBUILDER_ASSETS")
    folder = Path(asked) if asked else _DEFAULT_ASSETS
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if not missing:
        return folder
    if asked:
        raise FileNotFoundError(f"KUBEBUILDER_ASSETS={folder} lacks {' and '.join(missing)}")
    return None


@contextmanager
def real_server(assets: Path, directory: Path) -> Iterator[RealServer]:
    """Run etcd, kube-apiserver and, where it is, kube-controller-manager, and end them afterwards.

    Args:
        assets: folder of the binaries.
        directory: empty folder for data, certificates and logs.
    """
    pki = _write_pki(directory)
    store, peers, port = _free_ports(3)
    url = f"https://127.0.0.1:{port}"
    with ExitStack() as running:
        running.enter_context(_process(assets / "etcd", _etcd_flags(directory, store, peers), directory))
        api = running.enter_context(
            _process(assets / "kube-apiserver", _api_flags(directory, store, port), directory)
        )
        authority = pki.server_ca.cert_pem.encode()
        _wait_until_ready(url, authority, api, directory)
        controllers = (assets / _CONTROLLERS).is_file()
        if controllers:
            flags = _controller_flags(directory, pki, url)
            running.enter_context(_process(assets / _CONTROLLERS, flags, directory))
        yield RealServer(url, authority, _TOKEN, controllers)


def _write_pki(directory: Path) -> ControlPlanePki:
    now = datetime.now(UTC)
    pki = new_pki(now)
    serving = issue_server_certificate(
        pki.server_ca,
        common_name="kube-apiserver",
        dns_names=["localhost"],
        ip_addresses=["127.0.0.1"],
        not_before=now,
        lifetime=_LIFETIME,
    )
    contents = {
        "server-ca.crt": pki.server_ca.cert_pem,
        "serving.crt": serving.cert_pem,
        "serving.key": serving.key_pem,
        "client-ca.crt": pki.client_ca.cert_pem,
        "client-ca.key": pki.client_ca.key_pem,
        "service.key": pki.service_key_pem,
        "tokens.csv": f'{_TOKEN},admin,admin,"system:masters"\n',
    }
    for name, content in contents.items():
        path = directory / name
        path.touch(mode=0o600)
        path.write_text(content)
    return pki


def _etcd_flags(directory: Path, store: int, peers: int) -> list[str]:
    return [
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls=http://127.0.0.1:{store}",
        f"--advertise-client-urls=http://127.0.0.1:{store}",
        f"--listen-peer-urls=http://127.0.0.1:{peers}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peers}",
        f"--initial-cluster=default=http://127.0.0.1:{peers}",
        "--unsafe-no-fsync",
    ]


def _api_flags(directory: Path, store: int, port: int) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{store}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        # A loopback address is no endpoint that a Service may have.
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={directory / 'serving.crt'}",
        f"--tls-private-key-file={directory / 'serving.key'}",
        f"--client-ca-file={directory / 'client-ca.crt'}",
        f"--token-auth-file={directory / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={directory / 'service.key'}",
        f"--service-account-signing-key-file={directory / 'service.key'}",
        "--service-cluster-ip-range=10.96.0.0/16",
    ]


def _controller_flags(directory: Path, pki: ControlPlanePki, url: str) -> list[str]:
    leaf = issue_client_certificate(
        pki.client_ca,
        user="controllers",
        groups=["system:masters"],
        not_before=datetime.now(UTC),
        lifetime=_LIFETIME,
    )
    path = directory / "controllers.yaml"
    path.touch(mode=0o600)
    path.write_text(
        kubeconfig(
            cluster_name="real",
            server=url,
            ca_pem=pki.server_ca.cert_pem,
            leaf=leaf,
            user_name="controllers",
            context_name="real",
        )
    )
    return [
        f"--kubeconfig={path}",
        "--bind-address=127.0.0.1",
        # 0 serves nothing.
        "--secure-port=0",
        "--leader-elect=false",
        "--use-service-account-credentials",
        f"--service-account-private-key-file={directory / 'service.key'}",
        f"--root-ca-file={directory / 'server-ca.crt'}",
        f"--cluster-signing-cert-file={directory / 'client-ca.crt'}",
        f"--cluster-signing-key-file={directory / 'client-ca.key'}",
    ]


@contextmanager
def _process(binary: Path, flags: Sequence[str], directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (directory / f"{binary.name}.log").open("wb") as log:
        process = subprocess.Popen([binary, *flags], stdout=log, stderr=log, cwd=directory)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(url: str, authority: bytes, process: subprocess.Popen[bytes], directory: Path) -> None:
    trusted = ssl.create_default_context(cadata=authority.decode())
    headers = {"Authorization": f"Bearer {_TOKEN}"}
    deadline = time.monotonic() + _START_SECONDS
    with httpx.Client(base_url=url, verify=trusted, headers=headers, timeout=5, trust_env=False) as client:
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(httpx.TransportError):
                if client.get("/readyz").is_success:
                    return
            # Nothing tells when it is ready but asking it.
            time.sleep(0.1)
    last = (directory / "kube-apiserver.log").read_text(errors="replace").splitlines()[-5:]
    raise RuntimeError("kube-apiserver did not get ready:\n" + "\n".join(last))


def _free_ports(count: int) -> tuple[int, ...]:
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return tuple(each.getsockname()[1] for each in sockets)
