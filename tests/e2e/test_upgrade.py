"""Upgrades on a simulated host: what changes, what stays, what is refused, what goes on after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from typing import Any

import pytest

from k3k_core import manifests
from k3k_core.errors import ConflictError, K3kError, NotFoundError, NotReadyError, UsageError
from k3k_core.host import Host
from k3k_core.lifecycle.create import CreateRequest, create
from k3k_core.lifecycle.kubeconfig import fetch_kubeconfig, server_of
from k3k_core.lifecycle.operation import Operation, begin
from k3k_core.lifecycle.progress import Step, silent
from k3k_core.lifecycle.readiness import wait_until_ready
from k3k_core.lifecycle.revisions import revisions
from k3k_core.lifecycle.upgrade import Upgraded, UpgradePlan, UpgradeRequest, plan_upgrade, upgrade
from k3k_core.names import ANNOTATION_EXPIRES_AT, ANNOTATION_REVISION, LABEL_CONTROL_PLANE, ControlPlaneId
from k3k_core.resources import (
    CONFIG_MAP,
    NETWORK_POLICY,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    SECRET,
    SERVICE,
    STATEFUL_SET,
)
from k3k_core.sandbox.api.faults import Fault, Request
from k3k_core.sandbox.api.objects import clone
from k3k_core.values import load_values
from tests.support.hosts import REAL, HostUnderTest

pytestmark = pytest.mark.skipif(bool(REAL), reason="looks into the sandbox")

OLD, NEW = "v1.35.4+k3s1", "v1.36.3+k3s1"
HIGHLY_AVAILABLE = ("datastore.kind=etcd", "servers=3")

Make = Callable[..., Awaitable[ControlPlaneId]]


@pytest.fixture
def make(host: HostUnderTest, api: Host) -> Make:
    async def made(*overrides: str) -> ControlPlaneId:
        identity = ControlPlaneId(host.namespace, "one")
        values = load_values("", overrides=(f"version={OLD}", *overrides))
        await create(api, CreateRequest(identity, values))
        return identity

    return made


async def upgraded(api: Host, identity: ControlPlaneId, *assignments: str, **more: Any) -> Upgraded:
    return await upgrade(api, UpgradeRequest(identity, assignments=assignments, timeout=20.0, **more))


async def planned(api: Host, identity: ControlPlaneId, *assignments: str, **more: Any) -> UpgradePlan:
    return await plan_upgrade(api, UpgradeRequest(identity, assignments=assignments, **more))


async def root_of(api: Host, identity: ControlPlaneId) -> dict[str, Any]:
    return await api.get(SECRET, identity.namespace, identity.root)


async def images(api: Host, identity: ControlPlaneId) -> set[str]:
    """Return the image tags of the servers that run."""
    pods = (await api.list(POD, identity.namespace, labels=f"{LABEL_CONTROL_PLANE}={identity.name}")).items
    found = (pod["spec"]["containers"][0] for pod in pods)
    return {each["image"].rpartition(":")[2] for each in found if each["name"] == "k3s"}


async def secrets_of(api: Host, identity: ControlPlaneId) -> dict[str, Any]:
    names = (identity.pki, identity.tokens, identity.kubeconfig)
    return {name: (await api.get(SECRET, identity.namespace, name))["data"] for name in names}


async def test_a_new_version_replaces_the_server_and_keeps_data_secrets_and_address(
    api: Host, make: Make
) -> None:
    one = await make()
    before = await secrets_of(api, one)
    claim = await api.get(PERSISTENT_VOLUME_CLAIM, one.namespace, f"data-{one.server}-0")

    done = await upgraded(api, one, version=NEW)

    assert (done.from_version, done.version, done.revision) == (OLD, NEW, 2)
    assert (done.changed, done.ready) == (True, True)
    assert await images(api, one) == {"v1.36.3-k3s1"}
    assert await secrets_of(api, one) == before
    kept = await api.get(PERSISTENT_VOLUME_CLAIM, one.namespace, f"data-{one.server}-0")
    assert kept["metadata"]["uid"] == claim["metadata"]["uid"]
    assert [(each.number, each.version, each.current) for each in await revisions(api, one)] == [
        (2, NEW, True),
        (1, OLD, False),
    ]


async def test_the_same_upgrade_again_changes_nothing_and_replaces_nothing(api: Host, make: Make) -> None:
    one = await make()
    await upgraded(api, one, version=NEW)
    server = await api.get(POD, one.namespace, f"{one.server}-0")

    plan = await planned(api, one, version=NEW)
    done = await upgraded(api, one, version=NEW)

    assert (plan.strategy, plan.nothing_to_do, plan.steps) == ("none", True, ())
    assert (done.changed, done.revision) == (False, 2)
    assert (await api.get(POD, one.namespace, server["metadata"]["name"])) == server


async def test_servers_are_replaced_one_at_a_time_each_when_the_one_before_is_ready(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    assert host.sandbox is not None
    one = await make(*HIGHLY_AVAILABLE)
    fewest = 3
    steps: list[Step] = []

    async def count() -> None:
        nonlocal fewest
        assert host.sandbox is not None
        with host.sandbox.store.subscribe(STATEFUL_SET) as changes:
            while True:
                change = await changes.next()
                if change is not None and change.object["metadata"]["name"] == one.server:
                    fewest = min(fewest, int(change.object["status"].get("readyReplicas", 0)))

    plan = await planned(api, one, version=NEW)
    counting = asyncio.create_task(count())
    await upgrade(api, UpgradeRequest(one, version=NEW), steps.append)
    counting.cancel()

    assert plan.strategy == "rolling"
    assert fewest == 2
    ready = [step.subject for step in steps if step.name == "server" and step.state == "done"]
    assert ready == [f"Pod/{one.server}-{number}" for number in (2, 1, 0)]
    assert await images(api, one) == {"v1.36.3-k3s1"}


async def test_what_is_refused_is_refused_before_anything_is_touched(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    assert host.sandbox is not None
    one = await make()
    before = host.sandbox.store.list(SECRET, one.namespace), await images(api, one)

    with pytest.raises(ConflictError, match="nothing was changed") as refusal:
        await upgraded(
            api, one, "k3s.cluster_cidr=10.99.0.0/16", "k3s.token=another-token", version="v1.37.1+k3s1"
        )

    for words in ("k3s.cluster_cidr: is 10.42.0.0/16 for good", "k3s.token: never changes", "one at a time"):
        assert words in refusal.value.message
    assert "another-token" not in refusal.value.message
    assert (host.sandbox.store.list(SECRET, one.namespace), await images(api, one)) == before


async def test_values_that_make_no_sense_together_are_told_as_such(api: Host, make: Make) -> None:
    one = await make()
    with pytest.raises(UsageError, match="sqlite serves one server"):
        await planned(api, one, "servers=3")


async def test_what_the_host_itself_refuses_is_a_problem_of_the_plan(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    one = await make("loadbalancer.class_name=example.org/first")
    plan = await planned(api, one, "loadbalancer.class_name=example.org/second")
    assert [problem.path for problem in plan.problems] == [f"Service/{one.service}"]
    assert "loadBalancerClass" in plan.problems[0].problem


async def test_objects_come_and_go_with_the_values_that_ask_for_them(api: Host, make: Make) -> None:
    one = await make("datastore.kind=etcd")

    plan = await planned(api, one, "servers=2")
    await upgraded(api, one, "servers=2")
    assert [each.subject for each in plan.objects if each.action == "create"] == [
        f"PodDisruptionBudget/{one.root}"
    ]
    assert await names(api, one) == ({one.root}, {one.root, one.etcd})

    await upgraded(api, one, "servers=1", "network_policy.enabled=false")
    assert await names(api, one) == (set(), set())
    workload = await api.get(STATEFUL_SET, one.namespace, one.server)
    assert workload["status"]["replicas"] == 1


async def names(api: Host, identity: ControlPlaneId) -> tuple[set[str], set[str]]:
    """Return the names of its disruption budgets and of its network policies."""
    found = []
    for kind in (POD_DISRUPTION_BUDGET, NETWORK_POLICY):
        items = (await api.list(kind, identity.namespace)).items
        found.append({item["metadata"]["name"] for item in items})
    return found[0], found[1]


async def test_a_time_to_live_counts_from_the_creation_and_can_be_taken_away(api: Host, make: Make) -> None:
    one = await make()
    created = (await root_of(api, one))["metadata"]["creationTimestamp"]

    assert (await planned(api, one, "ttl=1d")).strategy == "in-place"
    await upgraded(api, one, "ttl=1d")
    annotations = (await root_of(api, one))["metadata"]["annotations"]
    assert annotations[ANNOTATION_EXPIRES_AT][11:] == created[11:]
    assert annotations[ANNOTATION_EXPIRES_AT] > created

    await upgrade(api, UpgradeRequest(one, values=load_values(f"version: {OLD}")))
    assert ANNOTATION_EXPIRES_AT not in (await root_of(api, one))["metadata"]["annotations"]


async def test_what_others_wrote_on_the_root_stays(api: Host, make: Make) -> None:
    one = await make()
    mine = {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "keep"}}}
    await api.patch(SECRET, one.namespace, one.root, mine)

    await upgraded(api, one, version=NEW)

    metadata = (await root_of(api, one))["metadata"]
    assert (metadata["labels"]["team"], metadata["annotations"]["note"]) == ("a", "keep")
    assert metadata["labels"][LABEL_CONTROL_PLANE] == one.name


async def test_another_service_gives_the_kubeconfig_its_address(api: Host, make: Make) -> None:
    one = await make()
    front = await api.get(SERVICE, one.namespace, one.service)

    plan = await planned(api, one, "loadbalancer.enabled=false")
    done = await upgraded(api, one, "loadbalancer.enabled=false")

    inside = f"https://{front['spec']['clusterIP']}:6443"
    assert "loadbalancer" in {warning.path for warning in plan.warnings}
    assert (done.endpoint, server_of(await fetch_kubeconfig(api, one))) == (inside, inside)

    back = await upgraded(api, one, "loadbalancer.enabled=true")
    assert back.endpoint != inside
    assert server_of(await fetch_kubeconfig(api, one)) == back.endpoint


async def test_the_password_of_an_external_datastore_stays_though_it_is_in_no_values(
    api: Host, make: Make
) -> None:
    endpoint = "postgres://k3s:s3cret@db.example.org:5432/one"
    one = await make("datastore.kind=external", f"datastore.external.endpoint={endpoint}")
    before = await secrets_of(api, one)

    await upgraded(api, one, "servers=2", version=NEW)

    assert await secrets_of(api, one) == before
    assert "s3cret" not in manifests.stored_values(await root_of(api, one))
    plan = await planned(api, one, "datastore.external.endpoint=postgres://other.example.org/one")
    assert [problem.path for problem in plan.problems] == ["datastore.external.endpoint"]


async def test_another_secret_for_the_datastore_gives_the_servers_its_files(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    await api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": host.namespace}})
    for name, more in (("old", {}), ("new", {"ca.crt": "PEM"})):
        meta = {"name": name, "namespace": host.namespace}
        data = {"endpoint": "postgres://k3s:s3cret@db.example.org:5432/one", **more}
        await api.create({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data})
    one = await make("datastore.kind=external", "datastore.external.secret_name=old")

    plan = await planned(api, one, "datastore.external.secret_name=new")
    await upgraded(api, one, "datastore.external.secret_name=new")

    assert "datastore.external.secret_name" in {warning.path for warning in plan.warnings}
    config = await api.get(CONFIG_MAP, one.namespace, one.config)
    assert "datastore-cafile" in next(iter(config["data"].values()))
    with pytest.raises(K3kError, match="missing"):
        await planned(api, one, "datastore.external.secret_name=missing")


async def test_what_is_on_no_volume_is_said_to_be_lost(api: Host, make: Make) -> None:
    one = await make("persistence.enabled=false")
    losing = await planned(api, one, version=NEW)
    assert losing.loses_data
    assert "persistence.enabled" in {warning.path for warning in losing.warnings}
    assert not (await planned(api, one, "ttl=2h")).loses_data


async def test_an_image_that_does_not_exist_is_told_and_another_version_repairs_it(
    api: Host, make: Make
) -> None:
    one = await make("datastore.kind=etcd", "servers=2", "version=v1.40.0+k3s1")
    never = "v1.41.0+k3s1"

    with pytest.raises(NotReadyError) as failure:
        await upgrade(api, UpgradeRequest(one, version=never, timeout=2.0))
    assert "ErrImagePull" in failure.value.message or "ImagePullBackOff" in failure.value.message
    assert "the same upgrade, run again, goes on waiting" in failure.value.hint

    resumed = await planned(api, one, version=never)
    assert (resumed.resumes, resumed.changes, resumed.strategy) == (True, (), "rolling")
    done = await upgraded(api, one, version="v1.40.1+k3s1")
    assert (done.from_version, done.version, done.revision) == ("v1.40.0+k3s1", "v1.40.1+k3s1", 3)
    assert await images(api, one) == {"v1.40.1-k3s1"}


async def test_going_back_needs_to_be_asked_for(api: Host, make: Make) -> None:
    one = await make("version=v1.37.1+k3s1")
    with pytest.raises(ConflictError, match="k3s does not go back"):
        await upgraded(api, one, version=NEW)
    done = await upgraded(api, one, version=NEW, allow_downgrade=True)
    assert (done.version, done.ready) == (NEW, True)


async def test_the_version_of_what_is_not_healthy_is_not_changed_unless_asked_for(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    assert host.sandbox is not None
    one = await make()
    host.sandbox.faults_of(one.namespace, f"{one.server}-0").switch_on("unready")
    await until_unready(host, one)

    plan = await planned(api, one, version=NEW)
    assert [problem.problem for problem in plan.problems] == ["only 0 of 1 servers are ready"]
    assert not (await planned(api, one, version=NEW, ignore_health=True)).refused
    assert not (await planned(api, one, "resources.requests.cpu=200m")).refused


async def until_unready(host: HostUnderTest, identity: ControlPlaneId) -> None:
    assert host.sandbox is not None
    store = host.sandbox.store
    with store.subscribe(STATEFUL_SET) as changes:
        while True:
            found = store.get(STATEFUL_SET, identity.namespace, identity.server)
            if found is not None and not found["status"].get("readyReplicas"):
                return
            await changes.next()


@contextmanager
def at_the_write_of(
    host: HostUnderTest, name: str, act: Callable[[], Fault | None], *, method: str = "PUT"
) -> Any:
    """Do something once, when an object of this name is about to be replaced, or applied (PATCH)."""
    assert host.sandbox is not None
    done = False

    def hook(request: Request) -> Fault | None:
        nonlocal done
        if done or request.method != method or "dryRun" in request.query:
            return None
        if not request.path.endswith(f"/{name}"):
            return None
        done = True
        return act()

    host.sandbox.faults.append(hook)
    try:
        yield
    finally:
        host.sandbox.faults.hooks.remove(hook)
    assert done


async def test_an_upgrade_whose_first_write_was_answered_into_the_void_goes_on(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    one = await make()
    with at_the_write_of(host, one.root, lambda: Fault(drop="after")):
        done = await upgraded(api, one, version=NEW)
    assert (done.revision, [each.number for each in await revisions(api, one)]) == (2, [2, 1])


async def test_of_two_upgrades_at_the_same_time_one_is_told_about_the_other(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    assert host.sandbox is not None
    store = host.sandbox.store
    one = await make()

    def change() -> None:
        root = clone(store.get(SECRET, one.namespace, one.root))
        root["metadata"].setdefault("annotations", {})["by"] = "another"
        store.update(SECRET, root)

    with (
        at_the_write_of(host, one.root, change),
        pytest.raises(ConflictError, match="changed by somebody else meanwhile; nothing was changed"),
    ):
        await upgraded(api, one, version=NEW)
    assert await images(api, one) == {"v1.35.4-k3s1"}
    assert (await upgraded(api, one, version=NEW)).version == NEW


async def test_an_upgrade_that_was_overtaken_leaves_the_servers_to_the_other(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    assert host.sandbox is not None
    store = host.sandbox.store
    one = await make()

    def overtake() -> None:
        root = clone(store.get(SECRET, one.namespace, one.root))
        root["metadata"]["annotations"][ANNOTATION_REVISION] = "3"
        store.update(SECRET, root)

    with (
        at_the_write_of(host, one.config, overtake, method="PATCH"),
        pytest.raises(ConflictError, match="was taken from revision 2 to 3 by somebody else meanwhile"),
    ):
        await upgraded(api, one, version=NEW)
    assert await images(api, one) == {"v1.35.4-k3s1"}


async def test_only_the_last_ten_revisions_are_kept(api: Host, make: Make) -> None:
    one = await make()
    for days in range(1, 12):
        await upgraded(api, one, f"ttl={days}d", wait=False)
    assert [each.number for each in await revisions(api, one)] == list(range(12, 2, -1))


async def test_a_control_plane_that_does_not_exist_or_was_left_half_made_is_told_so(
    host: HostUnderTest, api: Host, make: Make
) -> None:
    missing = ControlPlaneId(host.namespace, "missing")
    with pytest.raises(NotFoundError, match="does not exist"):
        await planned(api, missing, version=NEW)
    one = await make()
    await api.delete(STATEFUL_SET, one.namespace, one.server)
    with pytest.raises(NotFoundError, match="has no servers yet"):
        await planned(api, one, version=NEW)


async def test_what_was_applied_from_manifests_is_left_to_whoever_applied_it(
    host: HostUnderTest, api: Host
) -> None:
    one = ControlPlaneId(host.namespace, "one")
    rendered = await host.k3k(
        "render", "one", "-n", host.namespace, "--secrets", "inline", "--set", f"version={OLD}"
    )
    (await host.kubectl("apply", "-f", "-", stdin=rendered.checked().out)).checked()

    with pytest.raises(ConflictError, match="was applied from manifests"):
        await upgraded(api, one, version=NEW)
    await wait_until_ready(api, one, servers=1, timeout=20.0, progress=silent)
    done = await upgraded(api, one, version=NEW, force_conflicts=True)
    assert done.version == NEW


async def test_a_plan_names_the_other_verb_that_is_under_way(api: Host, make: Make) -> None:
    one = await make()
    command = f"migrate one -n {one.namespace} --to etcd"
    await begin(api, one, Operation("migrate", "copying", command=command))
    plan = await planned(api, one, "ttl=2h")
    assert [each.problem for each in plan.problems] == ["it is in the middle of migrate (copying)"]
    assert f"k3k {command}" in plan.problems[0].remedy
