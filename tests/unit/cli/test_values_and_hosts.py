"""`k3k values`, `k3k hosts` and `k3k version`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from k3k_core import __version__
from k3k_core.errors import UnreachableError
from k3k_core.values import PRESETS
from tests.support.command import Command, FakeHosts
from tests.support.invalid_values import INVALID, InvalidValues

# values


# A larger file is refused before it is read as YAML, so there is no path to name.
READABLE = [case for case in INVALID if len(case.text) <= 1 << 20]


@pytest.mark.parametrize("case", READABLE, ids=lambda case: case.name)
def test_invalid_values_end_with_2_and_their_paths(k3k: Command, home: Path, case: InvalidValues) -> None:
    (home / "v.yaml").write_text(case.text, encoding="utf-8")
    overrides = [word for text in case.overrides for word in ("--set", text)]
    ended = k3k("render", "ci", "-n", "ns", "-f", "v.yaml", *overrides)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"k3k: v.yaml: {len(case.paths)} problem")
    told = [line for line in ended.err.splitlines() if line.startswith("  ")]
    assert len(told) == len(case.paths)
    for line, path in zip(told, case.paths, strict=True):
        assert line.startswith(f"  {path}: " if path else "  ")


def test_a_file_that_can_be_used_is_said_to_be(k3k: Command, home: Path) -> None:
    (home / "v.yaml").write_text("servers: 1\n", encoding="utf-8")
    ended = k3k("values", "--check", "v.yaml")
    assert (ended.code, ended.out, ended.err) == (0, "", "v.yaml: these values can be used.\n")


def test_a_check_can_lay_a_preset_under_the_file(k3k: Command, home: Path) -> None:
    (home / "v.yaml").write_text("servers: 1\n", encoding="utf-8")
    assert k3k("values", "--check", "v.yaml", "--preset", "ci").code == 0


def test_a_file_that_is_too_large_is_wrong_use(k3k: Command, home: Path) -> None:
    (home / "v.yaml").write_bytes(b"#" * ((1 << 20) + 1))
    ended = k3k("values", "--check", "v.yaml")
    assert ended.code == 2
    assert "larger than 1 MiB" in ended.err


@pytest.mark.parametrize(("file", "told"), [("missing.yaml", "missing.yaml"), (".", "cannot be read")])
def test_a_file_that_cannot_be_read_is_wrong_use(k3k: Command, file: str, told: str) -> None:
    ended = k3k("values", "--check", file)
    assert ended.code == 2
    assert told in ended.err


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_printed_as_a_values_file(k3k: Command, name: str) -> None:
    ended = k3k("values", "--preset", name)
    assert ended.code == 0
    assert isinstance(yaml.safe_load(ended.out), dict)


def test_an_unknown_preset_is_wrong_use(k3k: Command) -> None:
    ended = k3k("values", "--preset", "prod")
    assert ended.code == 2
    assert "Presets: ci, dev, tenant, edge." in ended.err


def test_the_schema_is_json(k3k: Command) -> None:
    assert "servers" in json.loads(k3k("values", "--schema").out)["properties"]


def test_the_reference_names_values_down_to_the_last(k3k: Command) -> None:
    out = k3k("values", "--explain").out
    for name in ("servers", "cluster_cidr", "egress_selector_mode", "ttl"):
        assert name in out


@pytest.mark.parametrize("args", [[], ["--explain", "--schema"], ["--schema", "--preset", "ci"]])
def test_values_does_one_thing_at_a_time(k3k: Command, args: list[str]) -> None:
    assert k3k("values", *args).code == 2


# hosts


@pytest.mark.usefixtures("kubeconfig")
def test_hosts_are_the_contexts_of_the_kubeconfig(k3k: Command, hosts: FakeHosts) -> None:
    ended = k3k("hosts")
    assert [line.split() for line in ended.out.splitlines()] == [
        ["CURRENT", "NAME", "SERVER", "NAMESPACE"],
        ["*", "prod", "https://prod.invalid:6443", "team-a"],
        ["stage", "https://stage.invalid:6443", "default"],
        ["dev", "https://dev.invalid:6443", "default"],
    ]
    assert hosts.opened == []


@pytest.mark.usefixtures("kubeconfig")
def test_hosts_that_were_named_are_checked(k3k: Command, hosts: FakeHosts) -> None:
    hosts.fail["stage"] = UnreachableError("stage does not answer.")
    ended = k3k("hosts", "--check", "--context", "prod", "--context", "stage", "-o", "json")
    document = json.loads(ended.out)
    assert (ended.code, document["schema"]) == (0, "k3k.hosts/v1")
    assert [
        (item["name"], item["reachable"], item["version"], item["error"]) for item in document["items"]
    ] == [
        ("prod", True, "v1.36.2", None),
        ("stage", False, None, "stage does not answer."),
    ]


@pytest.mark.usefixtures("kubeconfig")
def test_a_check_that_no_host_answers_fails(k3k: Command, hosts: FakeHosts) -> None:
    hosts.fail["stage"] = UnreachableError("stage does not answer.")
    ended = k3k("hosts", "--check", "--context", "stage")
    assert ended.code == 6
    assert "stage does not answer." in ended.out


@pytest.mark.usefixtures("kubeconfig")
def test_a_host_that_does_not_exist_is_wrong_use(k3k: Command) -> None:
    ended = k3k("hosts", "--context", "nope")
    assert ended.code == 2
    assert "Known contexts: prod, stage, dev." in ended.err


def test_without_a_kubeconfig_there_is_no_host(k3k: Command) -> None:
    ended = k3k("hosts")
    assert (ended.code, ended.out) == (0, "")
    assert "k3k sandbox up" in ended.err


# version


def test_the_version_contacts_no_host(k3k: Command, hosts: FakeHosts) -> None:
    assert k3k("version").out.startswith(f"k3k {__version__} (Python 3.")
    assert hosts.opened == []


@pytest.mark.usefixtures("kubeconfig")
def test_the_version_of_a_host_is_asked_for_by_naming_it(k3k: Command, hosts: FakeHosts) -> None:
    document = json.loads(k3k("version", "--context", "stage", "-o", "json").out)
    assert document["client"]["version"] == __version__
    assert document["host"] == {
        "name": "stage",
        "server": "https://stage.invalid:6443",
        "version": "v1.36.2",
    }
