"""What the command shows of control planes that exist: list, describe, diff, kubeconfig, completion."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.support.hosts import HostUnderTest
from tests.support.programs import Finished


async def created(host: HostUnderTest, name: str, *arguments: str) -> Finished:
    """Create a control plane and wait for it."""
    return (await host.k3k("create", name, "-n", host.namespace, *arguments)).checked()


async def test_a_list_shows_what_was_created(host: HostUnderTest) -> None:
    await created(host, "one", "--ttl", "2h")
    table = (await host.k3k("list", "-n", host.namespace)).checked().out
    heading, line = table.splitlines()
    headings = ["NAME", "NAMESPACE", "STATUS", "VERSION", "SERVERS", "DATASTORE", "ADDRESS", "AGE", "TTL"]
    assert heading.split() == headings
    cells = line.split()
    assert cells[:3] == ["one", host.namespace, "Healthy"]
    assert cells[4:6] == ["1/1", "sqlite"]


@pytest.mark.parametrize("output", ["json", "yaml"])
async def test_a_list_for_programs_has_its_schema(host: HostUnderTest, output: str) -> None:
    await created(host, "one")
    text = (await host.k3k("list", "-n", host.namespace, "-o", output)).checked().out
    document = json.loads(text) if output == "json" else yaml.safe_load(text)
    assert (document["schema"], document["errors"]) == ("k3k.list/v1", [])
    (item,) = document["items"]
    assert (item["name"], item["verdict"], item["madeBy"], item["readOnly"]) == (
        "one",
        "Healthy",
        "k3k",
        False,
    )


async def test_names_of_a_list_are_names_for_other_verbs(host: HostUnderTest) -> None:
    await created(host, "one")
    name = (await host.k3k("list", "-n", host.namespace, "-o", "name")).checked().out.strip()
    assert name == f"{host.namespace}/one"
    (await host.k3k("delete", name, "--yes")).checked()
    assert (await host.k3k("list", "-n", host.namespace, "-o", "name")).checked().out == ""


async def test_describe_tells_everything_and_no_secret(host: HostUnderTest) -> None:
    await created(host, "one", "--set", "k3s.token=a-very-secret-token")
    text = (await host.k3k("describe", "one", "-n", host.namespace)).checked().out
    for section in ("Endpoints:", "Conditions:", "Servers:", "Certificates:", "Values:"):
        assert f"\n{section}\n" in text
    document = json.loads(
        (await host.k3k("describe", "one", "-n", host.namespace, "-o", "json")).checked().out
    )
    assert document["schema"] == "k3k.describe/v1"
    assert {condition["status"] for condition in document["conditions"]} == {"True"}
    assert [pod["ready"] for pod in document["pods"]] == [True]
    assert min(certificate["daysLeft"] for certificate in document["certificates"]) > 300
    assert "a-very-secret-token" not in text + json.dumps(document)


async def test_diff_is_empty_for_the_values_it_was_made_with_and_names_what_others_change(
    host: HostUnderTest,
) -> None:
    await created(host, "one")
    where = ("diff", "one", "-n", host.namespace, "--exit-code")
    same = await host.k3k(*where, "--set", "servers=1")
    assert (same.code, same.out) == (0, ""), same.out
    other = await host.k3k(*where, "--set", "resources.limits.memory=3Gi")
    assert other.code == 1
    assert "~ StatefulSet/one-k3k-server" in other.out
    assert "3Gi" in other.out


async def test_a_server_dry_run_stores_nothing(host: HostUnderTest) -> None:
    dry = await host.k3k("create", "one", "-n", host.namespace, "--dry-run=server")
    assert "+ StatefulSet/one-k3k-server" in dry.checked().out.splitlines()
    assert (await host.k3k("list", "-n", host.namespace, "-o", "name")).checked().out == ""
    assert (await host.kubectl("get", "namespace", host.namespace)).code != 0


async def test_hosts_are_checked_by_asking_them(host: HostUnderTest) -> None:
    document = json.loads((await host.k3k("hosts", "--check", "-o", "json")).checked().out)
    assert [item["reachable"] for item in document["items"]] == [True]
    version = json.loads(
        (await host.k3k("version", "--kubeconfig", str(host.kubeconfig), "-o", "json")).checked().out
    )
    assert version["host"]["version"] == document["items"][0]["version"]


async def test_names_of_control_planes_are_completed(host: HostUnderTest) -> None:
    await created(host, "one", "--no-wait")
    await created(host, "other", "--no-wait")
    words = f"k3k -n {host.namespace} describe o"
    finished = await host.k3k(env={"_K3K_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4"})
    assert finished.out.split() == ["plain,one", "plain,other"]


async def test_a_list_names_control_planes_as_other_verbs_find_them(host: HostUnderTest) -> None:
    create = ("create", "one", "-n", host.namespace, "--no-wait")
    (await host.k3k(*create)).checked()
    relabel = ("label", "--overwrite", "secret", "one-k3k", "k3k.ayedo.de/control-plane=other")
    (await host.kubectl("-n", host.namespace, *relabel)).checked()
    copied = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "k3k.ayedo.de/control-plane",
        "metadata": {"name": "backup-of-one", "labels": {"k3k.ayedo.de/control-plane": "one"}},
    }
    made = await host.kubectl("-n", host.namespace, "create", "-f", "-", stdin=json.dumps(copied))
    made.checked()

    listed = await host.k3k("list", "-n", host.namespace, "-o", "name")
    assert listed.checked().out.split() == [f"{host.namespace}/one"]


async def test_diff_shows_what_a_move_to_another_datastore_would_make(host: HostUnderTest) -> None:
    create = ("create", "one", "-n", host.namespace, "--no-wait")
    (await host.k3k(*create)).checked()

    asked = await host.k3k("diff", "one", "-n", host.namespace, "--set", "datastore.kind=etcd", "-o", "json")
    found = json.loads(asked.checked().out)
    actions = {item["object"]: item["action"] for item in found["objects"]}
    assert actions["Secret/one-k3k-etcd-pki"] == "create"
    assert actions["StatefulSet/one-k3k-etcd"] == "create"
    assert actions["Secret/one-k3k"] == "change"
