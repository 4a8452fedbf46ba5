"""Every certificate of a fleet is listed with its end."""

from __future__ import annotations

import json

from tests.support.hosts import HostUnderTest


async def test_all_certificates_of_a_control_plane_are_listed_with_what_renews_them(
    host: HostUnderTest,
) -> None:
    where = ("-n", host.namespace)
    (await host.k3k("create", "ci", *where)).checked()
    items = json.loads((await host.k3k("certificates", "ci", *where, "-o", "json")).checked().out)["items"]
    stored = {each["name"]: each for each in items if each["holder"].startswith("Secret/")}
    assert {"server-ca", "client-ca", "etcd-peer-ca", "admin kubeconfig"} <= set(stored)
    assert stored["admin kubeconfig"]["renewedBy"] == f"k3k rotate certificates ci -n {host.namespace}"
    assert stored["server-ca"]["renewedBy"] == f"k3k rotate ca ci -n {host.namespace}"
    own = {each["name"] for each in items if each["holder"] == "Pod/ci-k3k-server-0"}
    assert {"serving certificate", "CN=system:admin,O=system:masters", "CN=kube-apiserver"} <= own
    ends = [each["expiresAt"] for each in items]
    assert ends == sorted(ends)

    fleet = json.loads((await host.k3k("certificates", *where, "-o", "json")).checked().out)["items"]
    assert {each["name"] for each in fleet} == set(stored)
    assert "No certificates" in (await host.k3k("certificates", *where, "--within", "30d")).checked().err
    table = (await host.k3k("certificates", *where, "--within", "400d")).checked().out
    assert "admin kubeconfig" in table
    assert "server-ca" not in table


async def test_certificates_of_many_are_made_anew_where_it_is_asked_for(host: HostUnderTest) -> None:
    where = ("-n", host.namespace)
    for name in ("one", "two"):
        (await host.k3k("create", name, *where, "--set", "labels.team=a")).checked()
    rotate = ("rotate", "certificates", *where, "-o", "json", "--yes")
    idle = json.loads((await host.k3k(*rotate, "-l", "team=a")).checked().out)
    assert [each["changed"] for each in idle["results"]] == [False, False]
    done = json.loads((await host.k3k(*rotate, "-l", "team=a", "--force")).checked().out)
    assert done["schema"] == "k3k.rotate-certificates-many/v1"
    assert [(each["name"], each["state"], each["changed"]) for each in done["results"]] == [
        ("one", "done", True),
        ("two", "done", True),
    ]
    again = json.loads((await host.k3k(*rotate, "one", "--force")).checked().out)
    assert again["schema"] == "k3k.rotate-certificates/v1"
    assert "the admin kubeconfig" in again["rotated"]
