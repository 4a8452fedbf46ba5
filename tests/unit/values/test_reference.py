"""The JSON Schema and the reference page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from k3k_core.errors import UsageError
from k3k_core.values import PRESETS, explain, json_schema, preset_text
from k3k_core.values.document import read_document

DOCS = Path(__file__).parents[3] / "docs" / "values.md"


def _validator() -> Draft202012Validator:
    return Draft202012Validator(json_schema())


def _entries(node: dict[str, Any], above: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, child in node.get("properties", {}).items():
        path = f"{above}.{key}" if above else key
        yield path, child
        yield from _entries(child, path)


def test_the_schema_is_a_schema_without_references() -> None:
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "$ref" not in json.dumps(schema)


def test_no_block_takes_unknown_keys() -> None:
    blocks = [(path, node) for path, node in _entries(json_schema()) if "properties" in node]
    assert len(blocks) >= 15
    assert all(node["additionalProperties"] is False for _, node in blocks)


def test_every_value_is_described() -> None:
    assert [path for path, node in _entries(json_schema()) if len(node.get("description", "")) < 10] == []


def test_every_default_and_example_is_valid_by_the_schema() -> None:
    for path, node in _entries(json_schema()):
        samples = [*([node["default"]] if "default" in node else []), *node.get("examples", [])]
        for sample in samples:
            assert list(Draft202012Validator(node).iter_errors(sample)) == [], path


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_valid_by_the_schema(preset: str) -> None:
    assert list(_validator().iter_errors(read_document(preset_text(preset)).tree)) == []


@pytest.mark.parametrize(
    "text",
    [
        "sevrers: 1",
        "k3s: {disable: {servicelbs: true}}",
        "servers: two",
        "servers: 0",
        "servers: true",
        "version: 1.33",
        "version: v1.33",
        "ttl: 90",
        "k3s: {debug: 1}",
        "k3s: {token: 'a b'}",
        "k3s: {disable: {agent: false}}",
        "k3s: {egress_selector_mode: all}",
        "k3s: {kubeconfig: {mode: 644}}",
        "k3s: {log_level: 11}",
        "k3s: {tls_sans: a.example.org}",
        "k3s: {tls_sans: ['https://a.example.org']}",
        "loadbalancer: {annotations: {a: 1}}",
        "loadbalancer: {annotations: {a b: c}}",
        "datastore: {etcd: {members: 2}}",
        "persistence: {size: 5GB}",
        "scheduling: {tolerations: [{effect: Never}]}",
        "monitoring: {}",
    ],
)
def test_the_schema_refuses(text: str) -> None:
    assert list(_validator().iter_errors(read_document(text).tree)) != []


def test_null_is_valid_wherever_a_key_may_be_left_out() -> None:
    tree: dict[str, Any] = {"servers": None, "k3s": {"token": None, "debug": None, "disable": None}}
    assert list(_validator().iter_errors(tree)) == []


def test_secrets_are_marked_as_such_and_have_no_example_that_could_be_one() -> None:
    entries = dict(_entries(json_schema()))
    secret = {path for path, node in entries.items() if node.get("writeOnly")}
    assert secret == {"k3s.token", "k3s.agent_token", "datastore.external.endpoint"}
    assert all("default" not in entries[path] for path in secret)


def test_the_page_names_every_value() -> None:
    lines = explain().splitlines()
    missing = [
        path
        for path, _ in _entries(json_schema())
        if f"## {path}" not in lines and f"### {path}" not in lines
    ]
    assert missing == []


def test_one_value_is_explained() -> None:
    assert explain("k3s.egress_selector_mode").startswith("### k3s.egress_selector_mode\n")
    assert '- default: `"cluster"`' in explain("k3s.egress_selector_mode")
    assert "### scheduling.tolerations[].key" in explain("scheduling.tolerations")
    assert explain("scheduling.tolerations[].key").startswith("### scheduling.tolerations[].key\n")


def test_an_unknown_value_is_not_explained() -> None:
    with pytest.raises(UsageError) as caught:
        explain("k3s.disabled.traefik")
    assert "`disable`" in caught.value.hint


def test_the_page_in_the_documentation_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == explain(), (
        "write it anew: k3k values --explain > docs/values.md"
    )
