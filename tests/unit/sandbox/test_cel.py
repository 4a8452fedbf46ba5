"""The part of CEL that validation rules use."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.sandbox.api.cel import CelError, evaluate

SELF: dict[str, Any] = {
    "mode": "ci",
    "size": 4,
    "tags": ["a", "b"],
    "spec": {"replicas": 3},
    "labels": {"x": "1"},
}


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ("self.mode != 'ci' || self.size < 5", True),
        ("self.size >= 4 && self.size % 2 == 0", True),
        ("self.size + 1 * 2 == 6", True),
        ("(self.size + 1) * 2 == 10", True),
        ("has(self.mode)", True),
        ("has(self.missing)", False),
        ("!has(self.missing) || self.missing == 1", True),
        ("'a' in self.tags", True),
        ("self.tags.all(t, size(t) == 1)", True),
        ("self.tags.exists(t, t == 'z')", False),
        ("self.tags.exists_one(t, t == 'a')", True),
        ("self.tags.filter(t, t != 'a') == ['b']", True),
        ("self.tags.map(t, t + '!')[0] == 'a!'", True),
        ("self.mode.startsWith('c') && self.mode.matches('^[a-z]+$')", True),
        ("self.labels['x'] == \"1\"", True),
        ("self.mode == 'ci' ? self.spec.replicas == 3 : false", True),
        ("size(self.labels) == 1", True),
        ("-self.size < 0", True),
        ("oldSelf.size == self.size", False),
    ],
)
def test_a_rule_evaluates(rule: str, value: bool) -> None:
    assert evaluate(rule, {"self": SELF, "oldSelf": {"size": 1}}) is value


@pytest.mark.parametrize(
    "rule", ["self.", "self.size <", "self.mode(", "1 +* 2", "self.nothing == 1", "foo(1)"]
)
def test_a_rule_that_cannot_be_evaluated_says_so(rule: str) -> None:
    with pytest.raises(CelError):
        evaluate(rule, {"self": SELF})
