"""Reaching a control plane through its host, with nothing but the host's API."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.hosts import HostUnderTest
from tests.support.programs import K3K, start

# A program that asks the API for its version with what KUBECONFIG says, and knows no other way.
ASK = """
import os, ssl, base64, tempfile, urllib.request, yaml
config = yaml.safe_load(open(os.environ["KUBECONFIG"]))
cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
context = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
with tempfile.NamedTemporaryFile() as pair:
    for key in ("client-certificate-data", "client-key-data"):
        pair.write(base64.b64decode(user[key]))
    pair.flush()
    context.load_cert_chain(pair.name)
https, direct = urllib.request.HTTPSHandler(context=context), urllib.request.ProxyHandler({})
opener = urllib.request.build_opener(https, direct)
print(opener.open(cluster["server"] + "/api/v1/namespaces", timeout=20).status, cluster["server"])
"""


async def created(host: HostUnderTest, name: str) -> None:
    """Create a control plane that has no address outside its host."""
    where = ("create", name, "-n", host.namespace)
    (await host.k3k(*where, "--set", "loadbalancer.enabled=false")).checked()


# Two connections to the server that KUBECONFIG names, each to its end.
KNOCK_TWICE = """
import contextlib, os, socket, yaml
url = yaml.safe_load(open(os.environ["KUBECONFIG"]))["clusters"][0]["cluster"]["server"]
for _ in range(2):
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection:
        with contextlib.suppress(ConnectionError):
            connection.recv(1)
"""


def left_in(folder: Path) -> list[str]:
    """Return the names of the kubeconfigs below a folder."""
    return [str(path) for path in folder.glob("**/kubeconfig.yaml")]


async def test_a_command_reaches_the_api_and_its_exit_code_is_ours(host: HostUnderTest) -> None:
    await created(host, "one")
    where = ("connect", "one", "-n", host.namespace, "--")
    asked = (await host.k3k(*where, sys.executable, "-c", ASK)).checked()
    assert re.fullmatch(r"200 https://127\.0\.0\.1:\d+\n", asked.out)
    failed = await host.k3k(*where, sys.executable, "-c", "raise SystemExit(7)")
    assert failed.code == 7


async def test_the_kubeconfig_is_gone_afterwards(host: HostUnderTest, tmp_path: Path) -> None:
    await created(host, "one")
    show = "import os; path = os.environ['KUBECONFIG']; print(path, oct(os.stat(path).st_mode & 0o777))"
    where = ("connect", "one", "-n", host.namespace, "--")
    shown = (await host.k3k(*where, sys.executable, "-c", show, env={"TMPDIR": str(tmp_path)})).checked()
    path, mode = shown.out.split()
    assert (mode, Path(path).is_relative_to(tmp_path)) == ("0o600", True)
    assert left_in(tmp_path) == []


async def test_without_a_command_it_stays_until_it_is_stopped(host: HostUnderTest, tmp_path: Path) -> None:
    await created(host, "one")
    path = tmp_path / "through.yaml"
    where = ("connect", "one", "-n", host.namespace, "--out", str(path))
    process = await start((K3K, *where), kubeconfig=host.kubeconfig)
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        assert line.strip() == f"export KUBECONFIG={path}"
        server = yaml.safe_load(path.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
        assert server.startswith("https://127.0.0.1:")
    finally:
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, out) == (0, b""), err
    assert not path.exists()


async def test_what_does_not_exist_is_not_found(host: HostUnderTest) -> None:
    answer = await host.k3k("connect", "nobody", "-n", host.namespace, "--", "true")
    assert answer.code == 3
    assert "nobody has no kubeconfig" in answer.err


async def test_a_program_that_does_not_exist_is_wrong_use(host: HostUnderTest) -> None:
    await created(host, "one")
    answer = await host.k3k("connect", "one", "-n", host.namespace, "--", "no-such-program-here")
    assert (answer.code, "'no-such-program-here' was not found" in answer.err) == (2, True)


async def test_a_server_that_cannot_be_reached_is_said_once_on_standard_error(host: HostUnderTest) -> None:
    if host.sandbox is None:
        pytest.skip("takes a server that can be told to refuse")
    await created(host, "one")
    host.sandbox.faults_of(host.namespace, "one-k3k-server-0").switch_on("unreachable")
    answer = await host.k3k("connect", "one", "-n", host.namespace, "--", sys.executable, "-c", KNOCK_TWICE)
    assert answer.err.count("forward a port to Pod one-k3k-server-0") == 1, answer.err
