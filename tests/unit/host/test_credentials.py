"""Current credentials: cached, renewed in time, and only once for all who ask."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from k3k_core.errors import UnauthorizedError
from k3k_core.host import credentials as module
from k3k_core.host.connection import Login
from k3k_core.host.credentials import Credential, Credentials
from k3k_core.host.exec_plugin import ExecCredential, ExecPlugin

START = datetime(2026, 1, 1, tzinfo=UTC)
PLUGIN = ExecPlugin("u", "plugin")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


class FakePlugin:
    """Answers "token 1", "token 2" and so on; each is valid for an hour."""

    def __init__(self, clock: Clock) -> None:
        self.runs = 0
        self.clock = clock
        self.error: UnauthorizedError | None = None

    async def run(self, _: ExecPlugin, **__: float) -> ExecCredential:
        self.runs += 1
        run = self.runs
        await asyncio.sleep(1)
        if self.error is not None:
            raise self.error
        return ExecCredential(token=f"token{run}", expires_at=self.clock.now() + timedelta(hours=1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> FakePlugin:
    fake = FakePlugin(clock)
    monkeypatch.setattr(module, "run_plugin", fake.run)
    return fake


def _credentials(login: Login, clock: Clock) -> Credentials:
    return Credentials(login, plugin_timeout=5, now=clock.now, clock=clock.monotonic)


async def test_a_fixed_token(clock: Clock) -> None:
    assert (await _credentials(Login(token="t"), clock).current()).authorization == "Bearer t"


async def test_basic_authentication(clock: Clock) -> None:
    credential = await _credentials(Login(basic=("u", "p:q")), clock).current()

    assert credential.authorization == "Basic " + base64.b64encode(b"u:p:q").decode()


async def test_no_login_is_a_login(clock: Clock) -> None:
    assert await _credentials(Login(), clock).current() == Credential()


async def test_a_client_certificate_goes_with_a_token(clock: Clock) -> None:
    login = Login(token="t", certificate=b"C", key=b"K")

    assert await _credentials(login, clock).current() == Credential("Bearer t", b"C", b"K")


async def test_a_token_file_is_read_again_after_a_minute(clock: Clock, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("one\n")
    credentials = _credentials(Login(token_file=path), clock)
    assert (await credentials.current()).authorization == "Bearer one"
    path.write_text("two\n")

    clock.seconds = 59
    assert (await credentials.current()).authorization == "Bearer one"
    clock.seconds = 61
    assert (await credentials.current()).authorization == "Bearer two"


async def test_a_missing_token_file_falls_back_to_the_token(clock: Clock, tmp_path: Path) -> None:
    login = Login(token="t", token_file=tmp_path / "missing")

    assert (await _credentials(login, clock).current()).authorization == "Bearer t"


async def test_a_missing_token_file_without_fallback_is_named(clock: Clock, tmp_path: Path) -> None:
    with pytest.raises(UnauthorizedError, match="missing is empty or cannot be read"):
        await _credentials(Login(token_file=tmp_path / "missing"), clock).current()


@pytest.mark.parametrize("token", ["a\nb", "a\x00b", "hünter2"])
async def test_a_token_no_header_can_carry(clock: Clock, token: str) -> None:
    with pytest.raises(UnauthorizedError, match="characters that no header can carry") as caught:
        await _credentials(Login(token=token), clock).current()

    assert token not in str(caught.value)


@pytest.mark.looptime
async def test_a_plugin_runs_once_for_all_who_ask_at_once(clock: Clock, fake: FakePlugin) -> None:
    credentials = _credentials(Login(plugin=PLUGIN), clock)

    found = await asyncio.gather(*(credentials.current() for _ in range(50)))

    assert fake.runs == 1
    assert {credential.authorization for credential in found} == {"Bearer token1"}


@pytest.mark.looptime
async def test_a_plugins_credential_is_kept_until_shortly_before_its_end(
    clock: Clock, fake: FakePlugin
) -> None:
    credentials = _credentials(Login(plugin=PLUGIN), clock)
    await credentials.current()

    clock.seconds = 3569
    assert (await credentials.current()).authorization == "Bearer token1"
    clock.seconds = 3571
    assert (await credentials.current()).authorization == "Bearer token2"


@pytest.mark.looptime
async def test_many_rejections_lead_to_one_renewal(clock: Clock, fake: FakePlugin) -> None:
    credentials = _credentials(Login(plugin=PLUGIN), clock)
    rejected = await credentials.current()

    renewed = await asyncio.gather(*(credentials.renew(rejected) for _ in range(50)))
    late = await credentials.renew(rejected)

    assert all(renewed)
    assert late
    assert fake.runs == 2


@pytest.mark.looptime
async def test_a_fixed_credential_cannot_be_renewed(clock: Clock) -> None:
    credentials = _credentials(Login(token="t"), clock)

    assert not await credentials.renew(await credentials.current())


@pytest.mark.looptime
async def test_a_failure_reaches_all_who_wait_and_is_not_kept(clock: Clock, fake: FakePlugin) -> None:
    credentials = _credentials(Login(plugin=PLUGIN), clock)
    fake.error = UnauthorizedError("plugin failed")

    found = await asyncio.gather(*(credentials.current() for _ in range(10)), return_exceptions=True)
    assert (found, fake.runs) == ([fake.error] * 10, 1)

    fake.error = None
    assert (await credentials.current()).authorization == "Bearer token2"


@pytest.mark.looptime
async def test_one_who_gives_up_does_not_take_it_from_the_others(clock: Clock, fake: FakePlugin) -> None:
    credentials = _credentials(Login(plugin=PLUGIN), clock)
    first = asyncio.create_task(credentials.current())
    second = asyncio.create_task(credentials.current())
    await asyncio.sleep(0.5)

    first.cancel()

    assert (await second).authorization == "Bearer token1"
    assert fake.runs == 1


@pytest.mark.looptime
async def test_closing_ends_a_renewal(clock: Clock, fake: FakePlugin) -> None:
    credentials = _credentials(Login(plugin=PLUGIN), clock)
    waiting = asyncio.create_task(credentials.current())
    await asyncio.sleep(0.5)

    await credentials.close()

    await asyncio.wait([waiting])
    assert waiting.cancelled()


def test_credentials_do_not_show_themselves() -> None:
    assert "hunter2" not in repr(Credential("hunter2", b"hunter2", b"hunter2"))
    assert "hunter2" not in repr(
        Login(token="hunter2", basic=("u", "hunter2"), certificate=b"hunter2", key=b"hunter2")
    )
