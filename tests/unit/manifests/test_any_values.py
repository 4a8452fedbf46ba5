"""Whatever values pass the checks of the values room can be rendered for the newest and the oldest host."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from k3k_core.manifests import Address, render
from k3k_core.names import MAX_NAME_LENGTH
from tests.support.blueprints import blueprint
from tests.support.pod_security import violations
from tests.support.schemas import complaints

NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,39}[a-z0-9])?", fullmatch=True).filter(
    lambda name: len(name) <= MAX_NAME_LENGTH
)
ADDRESSES = st.none() | st.builds(
    Address, st.ip_addresses().map(str) | st.just("lb.example.org"), st.integers(1, 65535)
)
TOLERATIONS = st.fixed_dictionaries(
    {"key": st.just("dedicated"), "operator": st.just("Exists")},
    optional={"effect": st.sampled_from(["NoSchedule", "PreferNoSchedule"])},
)


def _datastores() -> st.SearchStrategy[dict[str, Any]]:
    several = st.integers(1, 5)
    return st.one_of(
        st.just({"servers": 1}),
        st.builds(
            lambda servers, members: {
                "servers": servers,
                "datastore": {"kind": "etcd", "etcd": {"members": members}},
            },
            several,
            st.sampled_from([1, 3]),
        ),
        st.builds(
            lambda servers, external: {
                "servers": servers,
                "datastore": {"kind": "external", "external": external},
            },
            several,
            st.sampled_from([{"endpoint": "postgres://u:p@db:5432/x"}, {"secret_name": "dev-datastore"}]),
        ),
    )


VALUES = st.builds(
    lambda datastore, rest: {**rest, **datastore},
    _datastores(),
    st.fixed_dictionaries(
        {},
        optional={
            "version": st.sampled_from(["v1.21.3+k3s1", "v1.23.7+k3s1", "v1.36.2+k3s1"]),
            "ttl": st.sampled_from(["8h", "7d"]),
            "loadbalancer": st.sampled_from(
                [{"enabled": False}, {"ip": "1.2.3.4"}, {"class_name": "metallb"}]
            ),
            "persistence": st.sampled_from([{"enabled": False}, {"size": "20Gi", "storage_class": "fast"}]),
            "network_policy": st.sampled_from([{"enabled": False}, {"ingress_cidrs": ["10.0.0.0/8"]}]),
            "resources": st.sampled_from([{"limits": {"memory": "2Gi"}}, {"requests": {"cpu": "2"}}]),
            "scheduling": st.fixed_dictionaries({"tolerations": st.lists(TOLERATIONS, max_size=2)}),
        },
    ),
)


@settings(max_examples=60, deadline=None)
@given(values=VALUES, name=NAMES, address=ADDRESSES)
def test_renders_what_every_host_accepts(values: dict[str, Any], name: str, address: Address | None) -> None:
    rendered = render(blueprint(json.dumps(values), name=name, address=address))
    assert [text for item in rendered for minor in ("1.28", "1.36") for text in complaints(item, minor)] == []
    templates = [item["spec"]["template"] for item in rendered if item["kind"] == "StatefulSet"]
    assert [text for template in templates for text in violations(template)] == []
    assert rendered == render(blueprint(json.dumps(values), name=name, address=address))
