"""docs/verdicts.md is what the rules say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from k3k_core.errors import UsageError
from k3k_core.telemetry.reference import reference
from k3k_core.telemetry.rules import load_rules

DOCS = Path(__file__).parents[3] / "docs" / "verdicts.md"


def test_the_page_is_current() -> None:
    assert DOCS.read_text(encoding="utf-8") == reference(load_rules()), (
        "write it anew: python -m k3k_core.telemetry.reference > docs/verdicts.md"
    )


def test_the_page_names_every_rule_once() -> None:
    named = re.findall(r"^\*\*(\w+)\*\*", reference(load_rules()), flags=re.MULTILINE)
    assert named == sorted(set(named), key=named.index)
    assert set(named) == {rule.name for rule in load_rules()}


def test_the_example_of_a_rules_file_is_one() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", reference(load_rules()), flags=re.DOTALL)
    rules = {rule.name: rule for rule in load_rules(example)}
    assert rules["ApiWritesSlow"].hold == 600.0
    assert rules["ManyWatches"].threshold == 5000.0
    assert "PodsPending" not in rules


def test_every_field_a_rules_file_may_have_is_described() -> None:
    with pytest.raises(UsageError) as caught:
        load_rules("rules: {ApiDown: {colour: red}}")
    fields = caught.value.message.rpartition("there are ")[2].split(", ")
    assert len(fields) > 15
    described = reference(load_rules()).partition("| field | meaning |")[2].partition("\n\n")[0]
    assert [field for field in fields if f"`{field}`" not in described] == []
