"""`k3k exporter` as a process, on control planes of a host."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import bcrypt
import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parse

from k3k_core.sandbox import Sandbox, SandboxOptions
from tests.support.exporter_process import Metrics, exporter
from tests.support.hosts import HostUnderTest
from tests.support.programs import K3K, run
from tests.support.prometheus import needs_prometheus, needs_promtool, prometheus, promtool
from tests.support.tls import TestAuthority

NAMES = ("one", "two", "three")
TOKEN = "0123456789abcdef0123456789abcdef"


async def created(host: HostUnderTest, *names: str) -> None:
    """Create control planes and wait for them."""
    for name in names:
        (await host.k3k("create", name, "-n", host.namespace, "--preset", "ci", "--wait")).checked()


def measured(page: Metrics) -> set[str]:
    """The control planes of which latencies are known."""
    return page.names("k3k_api_overall_request_duration_seconds_count")


async def test_a_fleet_is_served_and_a_deleted_control_plane_vanishes(host: HostUnderTest) -> None:
    await created(host, *NAMES)
    async with exporter(host.kubeconfig, "-n", host.namespace, "--interval", "1s") as running:
        page = await running.until(lambda page: measured(page) == set(NAMES))
        for name in NAMES:
            assert page.value("k3k_control_plane_up", name=name) == 1
            assert page.value("k3k_control_plane_verdict", name=name, verdict="Healthy") == 1
            assert page.value("k3k_control_plane_info", name=name, datastore="sqlite") == 1
            assert page.value("k3k_certificate_expiry_timestamp_seconds", name=name, source="handshake")
        assert page.value("k3k_host_up") == 1
        before = page.value("k3k_api_requests_total", name="one")
        assert before is not None
        await running.until(lambda page: (page.value("k3k_api_requests_total", name="one") or 0) > before)
        (await host.k3k("delete", "two", "-n", host.namespace, "--yes")).checked()
        page = await running.until(lambda page: "two" not in page.names())
        assert page.names() == {"one", "three"}
        assert 'name="two"' not in page.text
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
    assert running.said[-1] == "Stopping.\n"


async def test_everything_it_answers_is_about_the_same_control_planes(
    host: HostUnderTest, tmp_path: Path
) -> None:
    await created(host, "one")
    token = tmp_path / "token"
    token.write_text(TOKEN)
    target = f"{host.namespace}/one"
    arguments = ("-n", host.namespace, "--interval", "1s", "--raw-token-file", str(token))
    async with exporter(host.kubeconfig, *arguments) as running:
        await running.until(measured)
        client = running.client
        while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 (nothing tells)
            await asyncio.sleep(0.1)
        [group] = (await client.get("/sd")).json()
        assert group["targets"] == [running.address]
        assert group["labels"]["__param_target"] == target
        probe = await running.metrics(f"/probe?target={target}")
        assert probe.value("k3k_probe_success") == 1
        assert probe.value("k3k_control_plane_up", name="one") == 1
        path = group["labels"]["__meta_k3k_raw_path"]
        assert (await client.get(path)).status_code == 401
        page = await client.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
        names = {family.name for family in parse(page.text)}
        assert "apiserver_request_duration_seconds" in names
        running.process.send_signal(signal.SIGINT)
        assert await running.ended() == 0


async def test_one_page_is_printed_without_serving(host: HostUnderTest) -> None:
    await created(host, "one")
    ended = (await host.k3k("exporter", "--once", "--interval", "1s", "-n", host.namespace)).checked()
    page = Metrics(ended.out)
    assert measured(page) == {"one"}
    assert ended.err == ""


@needs_promtool
async def test_promtool_has_nothing_to_say_about_the_page_of_a_host(host: HostUnderTest) -> None:
    await created(host, "one")
    page = (await host.k3k("exporter", "--once", "--interval", "1s", "-n", host.namespace)).checked().out
    assert "k3k_api_requests_total{" in page
    checked = await promtool("check", "metrics", stdin=page)
    assert (checked.code, checked.out, checked.err) == (0, "", "")


async def test_the_parts_of_a_fleet_are_disjoint_and_make_up_the_whole(host: HostUnderTest) -> None:
    names = [f"cp-{index}" for index in range(5)]
    await created(host, *names)
    arguments = ("exporter", "--once", "--interval", "1s", "-n", host.namespace)
    parts = [Metrics((await host.k3k(*arguments, "--shard", f"{part}/2")).checked().out) for part in (1, 2)]
    assert parts[0].names() & parts[1].names() == set()
    assert parts[0].names() | parts[1].names() == set(names)
    assert not parts[0].keys() & parts[1].keys()


async def test_tls_and_passwords_by_the_web_configuration(host: HostUnderTest, tmp_path: Path) -> None:
    authority = TestAuthority()
    made = authority.issue()
    (tmp_path / "server.crt").write_bytes(made.certificate)
    (tmp_path / "server.key").write_bytes(made.key)
    hashed = bcrypt.hashpw(b"sesame", bcrypt.gensalt(4)).decode()
    web = tmp_path / "web.yaml"
    web.write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        f"basic_auth_users: {{alice: '{hashed}'}}\n"
    )
    trust = httpx.create_ssl_context(verify=False)
    trust.load_verify_locations(cadata=authority.pem.decode())
    async with exporter(host.kubeconfig, "--web-config", str(web), tls=trust) as running:
        assert running.url.startswith("https://")
        assert (await running.client.get("/metrics")).status_code == 401
        assert (await running.client.get("/metrics", auth=("alice", "open"))).status_code == 401
        assert (await running.client.get("/metrics", auth=("alice", "sesame"))).status_code == 200


async def test_a_host_that_is_lost_later_is_a_metric_and_no_reason_to_end(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "host.yaml"
    async with AsyncExitStack() as host:
        sandbox = await host.enter_async_context(Sandbox.start(SandboxOptions()))
        kubeconfig.write_text(sandbox.kubeconfig)
        (await run(K3K, "create", "one", "--preset", "ci", "--wait", kubeconfig=kubeconfig)).checked()
        async with exporter(kubeconfig, "--interval", "1s") as running:
            await running.until(lambda page: page.names() == {"one"})
            await host.aclose()
            page = await running.until(lambda page: page.value("k3k_host_up") == 0)
            assert page.names() == {"one"}
            assert running.process.returncode is None


async def test_a_host_that_cannot_be_reached_at_the_start_is_one_sentence(tmp_path: Path) -> None:
    async with Sandbox.start(SandboxOptions()) as sandbox:
        text = sandbox.kubeconfig
    kubeconfig = tmp_path / "host.yaml"
    kubeconfig.write_text(text)
    for arguments in (("--listen", "127.0.0.1:0"), ("--once",)):
        ended = await run(K3K, "exporter", *arguments, kubeconfig=kubeconfig)
        assert (ended.code, ended.out) == (6, "")
        assert "cannot be reached: connection refused" in ended.err
        assert "Traceback" not in ended.err


async def test_an_address_in_use_is_one_sentence(host: HostUnderTest) -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        ended = await host.k3k("exporter", "--listen", f"127.0.0.1:{port}")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"k3k: Cannot listen on 127.0.0.1:{port}: Address already in use.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "nowhere"], "'nowhere' is no address to listen on"),
        (["--shard", "3/2"], "'3/2' is no part of a fleet"),
        (["--workers", "some"], "'some' is no number of workers"),
        (["--interval", "10ms"], "--interval of less than 1 s"),
        (["--web-config", "/none"], "The web configuration /none cannot be read"),
        (["--raw-token-file", "/none"], "The token file /none cannot be read"),
        (["--rules", "/none"], "The rules file /none cannot be read"),
        (["--context", "none"], "has no context 'none'"),
    ],
)
async def test_wrong_use_is_one_sentence(host: HostUnderTest, arguments: list[str], said: str) -> None:
    ended = await host.k3k("exporter", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


@needs_prometheus
async def test_a_real_prometheus_finds_and_probes_every_control_plane(
    host: HostUnderTest, tmp_path: Path
) -> None:
    await created(host, "one", "two")
    folder = tmp_path / "prometheus"
    folder.mkdir()
    async with exporter(host.kubeconfig, "-n", host.namespace, "--interval", "1s") as running:
        job = {
            "job_name": "k3k",
            "scrape_interval": "1s",
            "scrape_timeout": "1s",
            "metrics_path": "/probe",
            "honor_labels": True,
            "http_sd_configs": [{"url": f"{running.url}/sd", "refresh_interval": "1s"}],
        }
        async with prometheus({"scrape_configs": [job]}, folder) as server:
            found = await server.until("k3k_probe_success == 1", lambda points: len(points) == 2)
            assert {point.labels["instance"] for point in found} == {
                f"{host.namespace}/one",
                f"{host.namespace}/two",
            }
            await server.until('k3k_control_plane_up{name="one"} == 1')


async def test_the_role_of_the_manual_is_enough_and_no_more(host: HostUnderTest, tmp_path: Path) -> None:
    if host.sandbox is None:
        pytest.skip("its names are fixed: they belong to whoever uses the cluster")
    await created(host, "one")
    page = (Path(__file__).parents[2] / "docs/exporter.md").read_text("utf-8")
    documents = page.partition("# kubernetes\n")[2].partition("```")[0].split("---\n")
    objects = [yaml.safe_load(text) for text in documents]
    rights = [
        each for each in objects if each["kind"] in {"ServiceAccount", "ClusterRole", "ClusterRoleBinding"}
    ]
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "monitoring"}}
    text = yaml.safe_dump_all([space, *rights])
    (await host.kubectl("apply", "-f", "-", stdin=text)).checked()
    config = yaml.safe_load(host.kubeconfig.read_text())
    config["users"][0]["user"]["as"] = "system:serviceaccount:monitoring:k3k-exporter"
    limited = tmp_path / "limited.yaml"
    limited.write_text(yaml.safe_dump(config))
    ended = await run(K3K, "exporter", "--once", "--interval", "1s", "-n", host.namespace, kubeconfig=limited)
    assert measured(Metrics(ended.checked().out)) == {"one"}
    refused = await run("kubectl", "delete", "secrets", "--all", "-n", host.namespace, kubeconfig=limited)
    assert "forbidden" in refused.err.lower()


def children(pid: int) -> list[str]:
    """The children of a process."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()


def alive(pids: list[str]) -> list[str]:
    """Those that still run."""
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="this system has no /proc")
async def test_its_workers_end_with_it(host: HostUnderTest) -> None:
    await created(host, "one")
    async with exporter(
        host.kubeconfig, "-n", host.namespace, "--interval", "1s", "--workers", "2"
    ) as running:
        await running.until(measured)
        pid = running.process.pid
        workers = children(pid)
        assert len(workers) == 2
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
    assert not alive(workers)
