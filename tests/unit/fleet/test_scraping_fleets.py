"""A fleet finds a way to each control plane, has it scraped, and judges what comes."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import ClassVar

import pytest

from k3k_core.errors import K3kError, NotFoundError, UnreachableError
from k3k_core.fleet import Fleet, FleetRow, reach, tunnels
from k3k_core.fleet.trying import Attempt
from k3k_core.names import ControlPlaneId
from k3k_core.pki import ControlPlanePki, Tokens, new_pki, new_tokens
from k3k_core.resources import POD as POD_TYPE
from k3k_core.resources import SECRET
from k3k_core.telemetry.judge import Judge
from k3k_core.telemetry.scraper import ScrapeOptions
from k3k_core.telemetry.scraper.target import ControlPlaneTarget, ServerTarget, TargetId
from tests.support.fake_scraper import FakeScraper, scraped
from tests.support.fleet_host import FleetHost, Json, control_plane, pod, secret, stateful_set
from tests.unit.fleet.conftest import START, Open

pytestmark = pytest.mark.looptime

CI = TargetId("prod", "team-a", "ci")
ID = ControlPlaneId("team-a", "ci")
POD, OTHER_POD = "https://10.1.0.1:6443", "https://10.1.0.2:6443"
BALANCER = "https://203.0.113.7:6443"
ETCD = "http://10.1.0.9:2381"
SILENT = Attempt(works=False, trouble="silent", sentence="nobody there")
STRANGER = Attempt(works=False, trouble="authority", sentence="another authority's certificate")
OTHER_SERVER = Attempt(works=False, trouble="certificate", sentence="another server's certificate")
TUNNEL = "https://127.0.0.1:40001"
NODE_PORT, CLUSTER_IP = "https://192.0.2.1:30443", "https://10.96.0.9:6443"


@cache
def pki() -> ControlPlanePki:
    """The authorities of the control plane, made once."""
    return new_pki(datetime(2026, 1, 1, tzinfo=UTC))


@cache
def tokens() -> Tokens:
    """Its tokens, made once."""
    return new_tokens()


@dataclass
class Network:
    """Who answers.

    Attributes:
        answers: what trying a URL gives; every other one is silent.
        tried: what was tried, in order.
        shown: targets whose servers were tried.
    """

    answers: dict[str, Attempt] = field(default_factory=dict)
    tried: list[str] = field(default_factory=list)
    shown: list[ControlPlaneTarget] = field(default_factory=list)

    async def ask(self, target: ControlPlaneTarget, servers: Sequence[ServerTarget]) -> Attempt:
        """Stand in for `try_servers`."""
        self.shown.append(target)
        self.tried += [server.url for server in servers]
        attempts = [self.answers.get(server.url, SILENT) for server in servers]
        if not any(attempt.works for attempt in attempts):
            await asyncio.sleep(3.0)
        else:
            await asyncio.sleep(0.01)
        return next((attempt for attempt in attempts if attempt.works), attempts[0])


class FakeTunnel:
    """A tunnel without a socket; the first has port 40001."""

    opened: ClassVar[list[FakeTunnel]] = []

    def __init__(self, _host: object, _namespace: str, name: str, remote: int) -> None:
        self.leads_to = (name, remote)
        self.port = 0
        self.error: K3kError | None = None
        self.closed = False

    async def start(self) -> None:
        self.opened.append(self)
        self.port = 40000 + len(self.opened)

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """A network on which only the first pod answers."""
    made = Network({POD: Attempt(works=True)})
    monkeypatch.setattr(reach, "try_servers", made.ask)
    monkeypatch.setattr(tunnels, "Tunnel", FakeTunnel)
    FakeTunnel.opened.clear()
    return made


@pytest.fixture
def host() -> FleetHost:
    """A host with a control plane, its credentials and one pod."""
    made = FleetHost()
    made.put(*control_plane("ci"), *credentials(), pod(ID))
    return made


def credentials() -> list[Json]:
    """The Secrets of the control plane."""
    return [secret(ID, ID.pki, pki().to_secret_data()), secret(ID, ID.tokens, tokens().to_secret_data())]


def helm_release() -> list[Json]:
    """What a release of the ayedo chart leaves, with credentials."""
    pem = {name: base64.b64encode(name.encode()).decode() for name in ("CA", "CERT", "KEY")}
    kubeconfig = {
        "clusters": [
            {
                "name": "a",
                "cluster": {
                    "server": "https://shop.example.com:6443",
                    "certificate-authority-data": pem["CA"],
                },
            }
        ],
        "users": [
            {"name": "a", "user": {"client-certificate-data": pem["CERT"], "client-key-data": pem["KEY"]}}
        ],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "current-context": "a",
    }
    shop = ControlPlaneId("legacy", "shop")
    belonging = {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "shop"},
    }
    made = [secret(shop, shop.kubeconfig, {"kubeconfig.yaml": json.dumps(kubeconfig)}), stateful_set(shop)]
    return [{**item, "metadata": {**item["metadata"], **belonging}} for item in made]


SCRAPED = {"scrape": ScrapeOptions()}


async def reached(fleet: Fleet, wait: float = 10.0) -> FleetRow:
    """Wait and return the row."""
    await asyncio.sleep(wait)
    return fleet.rows[CI]


def urls(scraper: FakeScraper) -> list[str]:
    """Where the scraper was told to ask."""
    return [server.url for server in scraper.targets[CI].servers]


async def test_each_pod_is_scraped_by_itself(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    host.put(pod(ID, 1, address="10.1.0.2"))
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
        target = fleet.target(CI)
    assert row.reach.way == "pods"
    assert target == scraper.targets[CI]
    assert [(server.server, server.url) for server in target.servers] == [
        ("ci-k3k-server-0", POD),
        ("ci-k3k-server-1", OTHER_POD),
    ]


async def test_a_target_has_the_authority_the_monitoring_token_and_a_name_to_verify(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
    target = scraper.targets[CI]
    assert (target.ca_pem, target.token) == (pki().server_ca.cert_pem, tokens().monitor)
    assert {server.tls_server_name for server in target.servers} == {"ci-k3k.team-a.svc"}
    assert tuple(name for name, _ in reversed(target.authorities) if name in {"server-ca", "client-ca"}) == (
        "server-ca",
        "client-ca",
    )
    assert target.datastore == "sqlite"


async def test_no_secret_shows(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
        text = repr((row, fleet.target(CI), network.shown, vars(fleet)["_members"][CI].approach._access))
    for shown in (tokens().monitor, tokens().server, pki().server_ca.key_pem.splitlines()[1]):
        assert shown not in text


async def test_where_pods_are_out_of_reach_the_load_balancer_is_asked(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    network.answers = {BALANCER: Attempt(works=True)}
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
    assert row.reach.way == "load-balancer"
    assert [(server.server, server.url) for server in scraper.targets[CI].servers] == [("endpoint", BALANCER)]


async def test_where_nothing_can_be_reached_from_here_it_goes_through_the_host(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    network.answers = {"https://127.0.0.1:40001": Attempt(works=True)}
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
        (server,) = scraper.targets[CI].servers
        assert row.reach.way == "tunnel"
        assert (server.server, server.tls_server_name) == ("ci-k3k-server-0", "ci-k3k.team-a.svc")
        assert [tunnel.leads_to for tunnel in FakeTunnel.opened] == [("ci-k3k-server-0", 6443)]
    assert all(tunnel.closed for tunnel in FakeTunnel.opened)


async def test_a_new_pod_gets_a_tunnel_and_one_that_went_loses_its_own(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    network.answers = {"https://127.0.0.1:40001": Attempt(works=True)}
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        host.put(pod(ID, 1, address="10.1.0.2"))
        host.remove(pod(ID))
        await asyncio.sleep(5)
        assert urls(scraper) == ["https://127.0.0.1:40002"]
        assert [tunnel.closed for tunnel in FakeTunnel.opened] == [True, False]


async def test_tunnels_are_dug_anew_when_the_host_was_connected_anew(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.answers = {"https://127.0.0.1:40001": Attempt(works=True)}
    monkeypatch.setattr(tunnels.Tunnels, "lead_through", lambda *_: False)
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        network.answers = {"https://127.0.0.1:40002": Attempt(works=True)}
        scraper.give(scraped(CI, error="it closed the connection"))
        await asyncio.sleep(3)
        scraper.give(scraped(CI))
        await asyncio.sleep(20)
        assert urls(scraper) == ["https://127.0.0.1:40002"]
        assert [tunnel.closed for tunnel in FakeTunnel.opened] == [True, False]


async def test_a_control_plane_whose_tunnels_are_shut_is_out_of_reach(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.answers = {"https://127.0.0.1:40001": Attempt(works=True)}
    monkeypatch.setattr(tunnels.Tunnels, "lead_through", lambda *_: False)
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        network.answers = {}
        scraper.give(scraped(CI, error="it closed the connection"))
        row = await reached(fleet, 180)
        assert (row.reach.way, scraper.targets) == (None, {})
        assert row.judgement.verdict in {"Degraded", "Unknown"}


async def test_one_made_by_helm_is_read_with_the_identity_of_its_kubeconfig(
    open_fleet: Open, network: Network, scraper: FakeScraper
) -> None:
    host = FleetHost()
    host.put(*helm_release())
    network.answers = {"https://shop.example.com:6443": Attempt(works=True)}
    shop = TargetId("prod", "legacy", "shop")
    async with open_fleet(host, **SCRAPED) as fleet:
        await asyncio.sleep(10)
        row, target = fleet.rows[shop], scraper.targets[shop]
    assert (row.control_plane.made_by, row.reach.way) == ("helm", "kubeconfig")
    assert (target.ca_pem, target.client_certificate, target.client_key, target.token) == (
        "CA",
        "CERT",
        "KEY",
        "",
    )
    assert [server.tls_server_name for server in target.servers] == ["shop.example.com"]
    assert "KEY" not in repr(target)


async def test_tunnels_that_lead_nowhere_are_closed_and_the_host_says_why(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    network.answers = {}
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
        assert "through the host" in row.reach.reason
        assert FakeTunnel.opened
        assert all(tunnel.closed for tunnel in FakeTunnel.opened)


async def test_a_new_pod_is_scraped_without_trying_anew(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        tried = len(network.tried)
        host.put(pod(ID, address="10.1.0.44"))
        await asyncio.sleep(5)
        assert urls(scraper) == ["https://10.1.0.44:6443"]
        assert len(network.tried) == tried


async def test_a_leaving_pod_is_not_asked(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    leaving = pod(ID, 1, address="10.1.0.2")
    leaving["metadata"]["deletionTimestamp"] = "2026-05-31T23:59:00Z"
    host.put(leaving)
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        assert urls(scraper) == [POD]


async def test_when_nothing_answers_the_row_says_why_and_what_to_do(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    network.answers = {}
    async with open_fleet(host, **SCRAPED) as fleet:
        assert await fleet.settled(30)
        row = fleet.rows[CI]
    assert row.reach.way is None
    assert "nobody there" in row.reach.reason
    assert "portforward" in row.reach.hint
    assert row.signals is not None
    assert [(server.server, server.error) for server in row.signals.servers] == [
        ("ci-k3k-server-0", row.reach.reason)
    ]
    assert (row.scraped, row.judgement.verdict, scraper.targets) == (None, "Healthy", {})


@pytest.mark.parametrize(
    ("address", "advice"),
    [
        (POD, "find out which before you restore the Secret"),
        (TUNNEL, f"{ID.pki}: restore the Secret from a backup."),
    ],
)
async def test_a_stranger_where_its_pods_are_is_told_before_all_else(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper, address: str, advice: str
) -> None:
    silent = {
        url: Attempt(works=False, trouble="silent", sentence=f"{url} refuses connections")
        for url in (POD, BALANCER, NODE_PORT, CLUSTER_IP)
    }
    network.answers = {**silent, address: STRANGER}
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
    told = row.reach.reason.partition("(")[2].split("; ")
    assert "another authority's certificate" in told[0]
    assert len(told) == 3
    assert advice in row.reach.hint


@pytest.mark.parametrize("address", [BALANCER, NODE_PORT, CLUSTER_IP])
async def test_a_stranger_at_another_address_says_nothing_of_the_secret(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper, address: str
) -> None:
    network.answers = {address: STRANGER}
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
    assert address in network.tried
    assert "Secret" not in row.reach.hint
    assert "portforward" in row.reach.hint


async def test_a_certificate_of_another_server_says_nothing_of_the_secret(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    network.answers = {POD: OTHER_SERVER, TUNNEL: OTHER_SERVER}
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
    assert "another server's certificate" in row.reach.reason
    assert "Secret" not in row.reach.hint


async def test_one_that_was_never_reached_is_not_healthy_for_ever(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    network.answers = {}
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet, 180)
        assert row.judgement.verdict == "Unknown"
        assert "nobody there" in row.reason
        network.answers = {POD: Attempt(works=True)}
        await asyncio.sleep(400)
        scraper.give(scraped(CI, at=START + 590))
        await asyncio.sleep(60)
        scraper.give(scraped(CI, at=START + 650))
        assert fleet.rows[CI].judgement.verdict == "Healthy"


@pytest.mark.parametrize(
    "text", ["", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
async def test_one_whose_authority_cannot_be_used_is_not_healthy_for_ever(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper, text: str
) -> None:
    host.put(secret(ID, ID.pki, {**pki().to_secret_data(), "server-ca.crt": text}))
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet, 180)
        assert row.judgement.verdict == "Unknown"
        assert "server-ca.crt" in row.reason
        assert row.reach.hint == "Restore the Secret from a backup."


async def test_a_control_plane_out_of_reach_is_tried_again(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    network.answers = {}
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet, 60)
        tried = len(network.tried)
        network.answers = {BALANCER: Attempt(works=True)}
        row = await reached(fleet, 400)
        assert row.reach.way == "load-balancer"
        assert tried < 60


async def test_a_way_that_stops_working_is_left_for_another(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        network.answers = {BALANCER: Attempt(works=True)}
        scraper.give(scraped(CI, error="it refuses connections"))
        row = await reached(fleet, 20)
        assert row.reach.way == "load-balancer"
        assert urls(scraper) == [BALANCER]


async def test_a_way_is_kept_while_no_other_works(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        network.answers = {}
        scraper.give(scraped(CI, error="it refuses connections"))
        row = await reached(fleet, 100)
        assert row.reach.way == "pods"
        assert urls(scraper) == [POD]


async def test_credentials_are_read_once_and_again_when_they_change(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet, 120)
        assert sorted(host.got) == [ID.pki, ID.tokens]
        other = new_tokens()
        host.put(secret(ID, ID.tokens, other.to_secret_data()))
        await reached(fleet, 5)
        assert scraper.targets[CI].token == other.monitor


async def test_credentials_are_read_again_when_scrapes_fail_but_not_every_time(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        for number in range(40):
            scraper.give(
                scraped(CI, at=START + 15 * number, error="it does not know the monitoring identity (401)")
            )
            await asyncio.sleep(15)
        assert 2 <= host.got.count(ID.tokens) < 15


async def test_missing_credentials_are_told(open_fleet: Open, network: Network, scraper: FakeScraper) -> None:
    host = FleetHost()
    host.put(*control_plane("ci"), pod(ID))
    async with open_fleet(host, **SCRAPED) as fleet:
        assert await fleet.settled(30)
        assert f"no Secret {ID.pki}" in fleet.rows[CI].reach.reason
        host.put(*credentials())
        row = await reached(fleet, 30)
        assert row.reach.way == "pods"


async def test_where_secrets_may_not_be_read_control_planes_are_listed_without_signals_and_it_says_why(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    host.sealed.add(SECRET)
    async with open_fleet(host, **SCRAPED) as fleet:
        assert await fleet.settled(30)
        row, state = fleet.rows[CI], fleet.hosts["prod"]
        assert (row.judgement.verdict, row.scraped, row.reach.forbidden) == ("Healthy", None, True)
        assert (row.reach.reason, row.reach.hint) == ("You may not get secrets.", "Ask for it.")
        assert (state.connected, state.error, network.tried, scraper.targets) == (True, "", [], {})


async def test_it_is_said_that_nobody_answers_although_the_clock_was_set_back(
    open_fleet: Open,
    host: FleetHost,
    network: Network,
    scraper: FakeScraper,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network.answers = {}
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet, 30)
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(fleet, "_clock", lambda: START + loop.time() - 3600)
        row = await reached(fleet, 30)
        assert row.signals is not None
        assert 0 <= START + loop.time() - 3600 - row.signals.at < 30


async def test_members_of_a_dedicated_etcd_are_scraped_where_they_can_be_reached(
    open_fleet: Open, network: Network, scraper: FakeScraper
) -> None:
    host = FleetHost()
    etcd = pod(ID, address="10.1.0.9", component="etcd")
    host.put(*control_plane("ci", datastore="etcd"), *credentials(), pod(ID), etcd)
    host.put(secret(ID, ID.etcd_pki, {"ca.crt": pki().etcd_server_ca.cert_pem}))
    network.answers[ETCD] = Attempt(works=True)
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        target = scraper.targets[CI]
    assert [(member.server, member.url) for member in target.etcd] == [("ci-k3k-etcd-0", ETCD)]
    assert "dedicated-etcd-ca" in dict(target.authorities)


async def test_an_etcd_out_of_reach_is_not_taken_for_one_that_is_down(
    open_fleet: Open, network: Network, scraper: FakeScraper
) -> None:
    host = FleetHost()
    etcd = pod(ID, address="10.1.0.9", component="etcd")
    host.put(*control_plane("ci", datastore="etcd"), *credentials(), pod(ID), etcd)
    host.put(secret(ID, ID.etcd_pki, {}))
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        assert scraper.targets[CI].etcd == ()


async def test_signals_come_into_the_row_and_the_history(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        result = scraped(CI, at=START + 10)
        scraper.give(result)
        row = fleet.rows[CI]
        assert (row.signals, row.scraped) == (result.signals, result)
        assert fleet.history(CI).last("round_trip") == pytest.approx(0.01)


async def test_it_is_settled_once_there_are_signals_of_two_scrapes(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        assert not await fleet.settled(10)
        scraper.give(scraped(CI, window=0.0))
        assert not await fleet.settled(10)
        scraper.give(scraped(CI))
        assert await fleet.settled(10)


async def test_it_is_settled_once_it_is_known_that_nothing_can_be_read(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        scraper.give(scraped(CI, error="it refuses connections"))
        assert await fleet.settled(60)


async def test_measured_rules_decide_the_verdict(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        scraper.give(scraped(CI, at=START))
        for number in range(1, 20):
            await asyncio.sleep(15)
            scraper.give(scraped(CI, at=START + 15 * number, round_trip=0.1, failing=("etcd",)))
        row = fleet.rows[CI]
        assert row.judgement.verdict in {"Degraded", "Down"}
        assert row.judgement.findings


async def test_a_paused_control_plane_is_not_scraped_any_more(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        scraper.give(scraped(CI))
        host.remove(pod(ID))
        row = await reached(fleet, 10)
        assert (row.signals, scraper.targets) == (None, {})
        assert row.reach.reason == "none of its servers has an address yet"
        assert await fleet.settled(1)
        host.put(pod(ID, address="10.1.0.50"))
        row = await reached(fleet, 10)
        assert (row.reach.way, urls(scraper)) == ("pods", ["https://10.1.0.50:6443"])


async def test_where_pods_cannot_be_seen_the_service_is_asked(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    host.hidden.add(POD_TYPE)
    network.answers = {BALANCER: Attempt(works=True)}
    async with open_fleet(host, **SCRAPED) as fleet:
        row = await reached(fleet)
        assert row.reach.way == "load-balancer"
        assert fleet.hosts["prod"].connected


async def test_a_deleted_control_plane_is_not_scraped_any_more(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        host.remove(control_plane("ci")[0])
        await asyncio.sleep(1)
        scraper.give(scraped(CI))
        assert (fleet.rows, scraper.targets) == ({}, {})


async def test_scraping_goes_on_while_the_host_is_away(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        host.fail(UnreachableError("Host prod cannot be reached."))
        await asyncio.sleep(60)
        scraper.give(scraped(CI, at=START + 60))
        row = fleet.rows[CI]
        assert row.stale_since is not None
        assert row.signals is not None
        assert CI in scraper.targets


async def test_a_judge_that_fails_over_one_control_plane_does_not_end_the_fleet(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        monkeypatch.setattr(Judge, "judge", fail)
        scraper.give(scraped(CI))
        await asyncio.sleep(60)
        assert fleet.rows[CI].scraped is None
        monkeypatch.undo()
        scraper.give(scraped(CI, at=START + 70))
        assert fleet.rows[CI].scraped is not None


async def test_every_round_is_heard_in_order_also_those_that_change_sets_leave_out(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    heard: list[float] = []
    async with open_fleet(host, **SCRAPED) as fleet:
        fleet.listen(lambda result: heard.append(result.signals.at))
        await reached(fleet)
        for at in (START + 1, START + 2, START + 3):
            scraper.give(scraped(CI, at=at))
    assert heard == [START + 1, START + 2, START + 3]


async def test_a_round_that_was_overtaken_does_not_turn_back_the_row(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        scraper.give(scraped(CI, at=START + 20, order=2.0))
        scraper.give(scraped(CI, at=START + 10, order=1.0, error="it refuses connections"))
        row = fleet.rows[CI]
        assert row.signals is not None
        assert row.signals.at == START + 20


async def test_a_clock_that_is_set_back_does_not_stop_the_rows(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        scraper.give(scraped(CI, at=START + 20, order=1.0))
        scraper.give(scraped(CI, at=START - 3600, order=2.0))
        row = fleet.rows[CI]
        assert row.signals is not None
        assert row.signals.at == START - 3600


async def test_a_round_out_of_turn_gives_the_row(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        row = await fleet.scrape(CI)
        assert row.scraped is not None
        with pytest.raises(NotFoundError, match="team-a/other"):
            await fleet.scrape(TargetId("prod", "team-a", "other"))


async def test_pages_are_passed_on_by_server(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        async with fleet.fetch_page(CI) as page:
            assert [chunk async for chunk in page.chunks] == [b"# page of team-a/ci ci-k3k-server-0\n"]
        with pytest.raises(NotFoundError, match="no server ci-k3k-server-7"):
            async with fleet.fetch_page(CI, "ci-k3k-server-7"):
                pass


async def test_what_is_looked_at_goes_first(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        fleet.focus([CI])
        assert list(scraper.focused) == [CI]


async def test_without_scraping_nothing_is_tried(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, scrape=None) as fleet:
        assert await fleet.settled(10)
        assert (network.tried, host.got, fleet.figures, scraper.running) == ([], [], None, False)
        with pytest.raises(UnreachableError, match="not scraped"):
            async with fleet.fetch_page(CI):
                pass


async def test_the_scraper_ends_with_the_fleet(
    open_fleet: Open, host: FleetHost, network: Network, scraper: FakeScraper
) -> None:
    async with open_fleet(host, **SCRAPED) as fleet:
        await reached(fleet)
        assert scraper.running
    assert not scraper.running


async def test_a_shut_way_is_learnt_for_the_whole_host(
    open_fleet: Open, network: Network, scraper: FakeScraper
) -> None:
    host = FleetHost()
    network.answers = {BALANCER: Attempt(works=True)}
    for number in range(8):
        other = ControlPlaneId("team-a", f"cp-{number}")
        host.put(*control_plane(other.name), pod(other))
        host.put(
            secret(other, other.pki, pki().to_secret_data()),
            secret(other, other.tokens, tokens().to_secret_data()),
        )
    async with open_fleet(host, **SCRAPED) as fleet:
        await asyncio.sleep(20)
        late = ControlPlaneId("team-a", "late")
        host.put(*control_plane("late"), pod(late))
        host.put(
            secret(late, late.pki, pki().to_secret_data()),
            secret(late, late.tokens, tokens().to_secret_data()),
        )
        network.tried.clear()
        await asyncio.sleep(20)
        assert fleet.rows[TargetId("prod", "team-a", "late")].reach.way == "load-balancer"
        assert network.tried[0] == BALANCER
