"""TLS, passwords, headers and the rate limit in force."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from k3k_core.errors import UsageError
from k3k_core.exporter.raw import TokenFile
from k3k_core.exporter.server import ServerOptions
from k3k_core.exporter.web.config import RateLimit
from k3k_core.exporter.web.gate import Bucket
from k3k_core.exporter.web.live import LiveWebConfig
from k3k_core.exporter.web.passwords import Passwords, TooManyError
from tests.support.fake_fleet import FakeFleet
from tests.support.fleet_rows import fleet_row
from tests.support.serving_exporter import Served, serve
from tests.support.tls import Certificate, TestAuthority

TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key"
CLIENTS = ", client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert"


def hashed(password: str) -> str:
    """Return a cheap bcrypt hash as htpasswd writes it."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode().replace("$2b$", "$2y$")


USERS = f"basic_auth_users: {{alice: '{hashed('sesame')}'}}\n"


class Folder:
    """A folder with a web configuration and certificates."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.authority = TestAuthority()
        self.told: list[str] = []
        self._age = 0
        (path / "ca.crt").write_bytes(self.authority.pem)
        self.put_certificate(self.authority.issue())

    def put_certificate(self, made: Certificate) -> None:
        """Put a server certificate and its key."""
        self.write("server.crt", made.certificate)
        self.write("server.key", made.key)

    def write(self, name: str, content: bytes) -> None:
        """Put a file; its time is never that of the one before."""
        path = self.path / name
        path.write_bytes(content)
        self._age += 1
        os.utime(path, (self._age, self._age))

    def live(self, text: str) -> LiveWebConfig:
        """Return a configuration in force."""
        self.write("web.yaml", text.encode())
        return LiveWebConfig(self.path / "web.yaml", self.told.append)

    def client(self, made: Certificate | None = None) -> ssl.SSLContext:
        """Return a client's TLS context, with a certificate or without."""
        context = ssl.create_default_context(cadata=self.authority.pem.decode())
        if made is not None:
            self.write("client.pem", made.certificate + made.key)
            context.load_cert_chain(self.path / "client.pem")
        return context


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def fleet() -> FakeFleet:
    fleet = FakeFleet(page=[b"up 1\n"])
    fleet.put(fleet_row("ci"))
    return fleet


async def test_metrics_are_served_over_tls(fleet: FakeFleet, folder: Folder) -> None:
    async with serve(fleet, ServerOptions(folder.live(f"{TLS}}}")), tls=folder.client()) as served:
        assert (await served.get("/metrics")).status_code == 200
        [group] = (await served.get("/sd")).json()
    assert group["labels"]["__scheme__"] == "https"


async def test_certificate_and_key_may_stand_in_the_file(fleet: FakeFleet, folder: Folder) -> None:
    made = folder.authority.issue()

    def block(name: str, pem: bytes) -> str:
        return f"  {name}: |\n" + "".join(f"    {line}\n" for line in pem.decode().splitlines())

    text = "tls_server_config:\n" + block("cert", made.certificate) + block("key", made.key)
    async with serve(fleet, ServerOptions(folder.live(text)), tls=folder.client()) as served:
        assert (await served.get("/healthz")).status_code == 200


async def test_plain_http_is_not_answered_where_tls_is_asked_for(fleet: FakeFleet, folder: Folder) -> None:
    async with serve(fleet, ServerOptions(folder.live(f"{TLS}}}"))) as served:
        with pytest.raises(httpx.RemoteProtocolError):
            await served.get("/metrics")


async def test_an_older_version_of_tls_than_allowed_is_refused(fleet: FakeFleet, folder: Folder) -> None:
    old = folder.client()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    live = folder.live(f"{TLS}, min_version: TLS13}}")
    async with serve(fleet, ServerOptions(live), tls=old) as served:
        with pytest.raises(httpx.ConnectError):
            await served.get("/metrics")


async def test_ciphers_and_curves_are_held_to(fleet: FakeFleet, folder: Folder) -> None:
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    text = f"{TLS}, max_version: TLS12, cipher_suites: [{suite}], curve_preferences: [CurveP384]}}"
    async with serve(fleet, ServerOptions(folder.live(text)), tls=folder.client()) as served:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", served.port, ssl=folder.client(), server_hostname="127.0.0.1"
        )
        cipher = writer.get_extra_info("cipher")
        writer.close()
        await reader.read()
    assert cipher[:2] == ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2")


async def test_a_client_without_the_certificate_that_is_asked_for_is_not_let_in(
    fleet: FakeFleet, folder: Folder
) -> None:
    live = folder.live(f"{TLS}{CLIENTS}}}")
    stranger = TestAuthority("stranger").issue("client")
    for given in (None, stranger):
        async with serve(fleet, ServerOptions(live), tls=folder.client(given)) as served:
            with pytest.raises(httpx.TransportError):
                await served.get("/metrics")
    known = folder.client(folder.authority.issue("client"))
    async with serve(fleet, ServerOptions(live), tls=known) as served:
        assert (await served.get("/metrics")).status_code == 200


async def test_a_certificate_is_let_in_by_its_alternative_names(fleet: FakeFleet, folder: Folder) -> None:
    live = folder.live(f"{TLS}{CLIENTS}, client_allowed_sans: [prometheus.example]}}")
    other = folder.client(folder.authority.issue("client", names=("other.example",)))
    async with serve(fleet, ServerOptions(live), tls=other) as served:
        with pytest.raises(httpx.TransportError):
            await served.get("/metrics")
    wanted = folder.client(folder.authority.issue("client", names=("a.example", "prometheus.example")))
    async with serve(fleet, ServerOptions(live), tls=wanted) as served:
        assert (await served.get("/metrics")).status_code == 200


async def test_a_renewed_certificate_is_shown_to_new_connections(fleet: FakeFleet, folder: Folder) -> None:
    def serial(served: Served) -> Any:
        async def ask() -> str:
            _, writer = await asyncio.open_connection(
                "127.0.0.1", served.port, ssl=folder.client(), server_hostname="127.0.0.1"
            )
            certificate = writer.get_extra_info("peercert")
            writer.close()
            return str(certificate["serialNumber"])

        return ask()

    async with serve(fleet, ServerOptions(folder.live(f"{TLS}}}")), tls=folder.client()) as served:
        before = await serial(served)
        await asyncio.to_thread(folder.put_certificate, folder.authority.issue())
        while await serial(served) == before:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.05)
        assert (await served.get("/healthz")).status_code == 200
    assert folder.told[-1].endswith("is in force.")


def test_a_changed_file_that_cannot_be_used_leaves_the_last_good_one_in_force(folder: Folder) -> None:
    live = folder.live(USERS)
    folder.write("web.yaml", b"basic_auth_users: {alice: nonsense}")
    live.refresh()
    live.refresh()
    assert live.config.users
    assert len(folder.told) == 1
    assert "the last good one stays" in folder.told[0]


def test_tls_is_not_turned_off_by_a_changed_file(folder: Folder) -> None:
    live = folder.live(f"{TLS}}}")
    folder.write("web.yaml", b"")
    live.refresh()
    assert live.context is not None
    assert "needs a restart" in folder.told[0]


def test_a_file_that_is_gone_leaves_the_last_good_one_in_force(folder: Folder) -> None:
    live = folder.live(f"{TLS}}}\n{USERS}")
    (folder.path / "server.key").unlink()
    live.refresh()
    assert live.context is not None
    assert "server.key cannot be read: No such file or directory" in folder.told[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("server.crt", "nonsense", "certificate and key cannot be used"),
        (
            "server.key",
            "",
            "certificate and key cannot be used: key values mismatch",
        ),
        ("ca.crt", "nonsense", "the authorities of clients cannot be used"),
    ],
)
def test_certificates_that_cannot_be_used_are_one_sentence(
    folder: Folder, name: str, content: str, said: str
) -> None:
    folder.write(name, content.encode() or TestAuthority("other").issue().key)
    with pytest.raises(UsageError) as refused:
        folder.live(f"{TLS}{CLIENTS}}}")
    assert said in str(refused.value)
    assert "nonsense" not in str(refused.value)


async def test_only_who_knows_a_password_is_let_in(fleet: FakeFleet, folder: Folder) -> None:
    async with serve(fleet, ServerOptions(folder.live(USERS))) as served:
        for path in ("/", "/metrics", "/probe?target=a/b", "/sd", "/healthz", "/readyz", "/raw/a/b", "/none"):
            answer = await served.get(path)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"] == "Basic"
        for user, password in (("alice", "wrong"), ("bob", "sesame"), ("", ""), ("alice", "")):
            answer = await served.client.get("/metrics", auth=(user, password))
            assert answer.status_code == 401
        for _ in range(2):
            assert (await served.client.get("/metrics", auth=("alice", "sesame"))).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !", "Basic YQ==", "Bearer x", "Basic //79", pytest.param("x" * 5000, id="long")],
)
async def test_a_password_that_cannot_be_read_is_a_wrong_one(header: str) -> None:
    assert not await Passwords().accept(header, {"alice": hashed("sesame")})


async def test_a_password_longer_than_bcrypt_reads_is_checked_as_bcrypt_does(
    fleet: FakeFleet, folder: Folder
) -> None:
    users = f"basic_auth_users: {{alice: '{hashed('x' * 72)}'}}\n"
    async with serve(fleet, ServerOptions(folder.live(users))) as served:
        assert (await served.client.get("/healthz", auth=("alice", "x" * 80))).status_code == 200
        assert (await served.client.get("/healthz", auth=("alice", "x" * 71))).status_code == 401


async def test_a_changed_password_is_in_force_with_the_next_request(fleet: FakeFleet, folder: Folder) -> None:
    async with serve(fleet, ServerOptions(folder.live(USERS))) as served:
        auth = ("alice", "sesame")
        assert (await served.client.get("/healthz", auth=auth)).status_code == 200
        changed = f"basic_auth_users: {{alice: '{hashed('another')}'}}\n"
        await asyncio.to_thread(folder.write, "web.yaml", changed.encode())
        assert (await served.client.get("/healthz", auth=auth)).status_code == 401
        assert (await served.client.get("/healthz", auth=("alice", "another"))).status_code == 200


async def test_raw_pages_go_by_their_token_and_not_by_a_password(
    fleet: FakeFleet, folder: Folder, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    await asyncio.to_thread(token.write_text, "0123456789abcdef")
    async with serve(fleet, ServerOptions(folder.live(USERS), TokenFile(token))) as served:
        assert (
            await served.get("/raw/team-a/ci", Authorization="Bearer 0123456789abcdef")
        ).status_code == 200
        assert (await served.client.get("/raw/team-a/ci", auth=("alice", "sesame"))).status_code == 401


async def test_a_flood_of_passwords_is_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*_: object) -> bool:
        asked.set()
        await go_on.wait()
        return False

    monkeypatch.setattr(asyncio, "to_thread", slow)
    passwords = Passwords()
    basic = "Basic YTpi"
    waiting = [asyncio.create_task(passwords.accept(basic, {})) for _ in range(16)]
    await asked.wait()
    with pytest.raises(TooManyError):
        await passwords.accept(basic, {})
    go_on.set()
    assert not any(await asyncio.gather(*waiting))


async def test_headers_are_put_on_every_answer(fleet: FakeFleet, folder: Folder) -> None:
    live = folder.live("http_server_config: {headers: {X-Frame-Options: deny}}")
    async with serve(fleet, ServerOptions(live)) as served:
        for path in ("/metrics", "/none"):
            assert (await served.get(path)).headers["X-Frame-Options"] == "deny"


async def test_more_requests_than_the_limit_are_told_so(fleet: FakeFleet, folder: Folder) -> None:
    live = folder.live("rate_limit: {interval: 1h, burst: 2}")
    async with serve(fleet, ServerOptions(live)) as served:
        assert [(await served.get("/healthz")).status_code for _ in range(3)] == [200, 200, 429]


def test_a_bucket_fills_with_time_and_not_beyond_its_burst() -> None:
    now = 100.0
    bucket, limit = Bucket(lambda: now), RateLimit(1.0, 2)
    assert [bucket.take(limit) for _ in range(3)] == [True, True, False]
    now += 1
    assert [bucket.take(limit) for _ in range(2)] == [True, False]
    now += 1000
    assert [bucket.take(limit) for _ in range(3)] == [True, True, False]
