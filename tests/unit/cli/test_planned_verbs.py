"""Verbs that messages name before they exist."""

from __future__ import annotations

import pytest

from k3k_core.cli.catalog import PLANNED, VERBS
from tests.support.command import Command


@pytest.mark.parametrize("verb", sorted(PLANNED))
def test_a_planned_verb_is_wrong_use_and_says_so(k3k: Command, verb: str) -> None:
    ended = k3k(verb, "one")
    assert ended.code == 2
    assert "comes with a later release" in ended.err


def test_no_verb_is_both_planned_and_there() -> None:
    assert not PLANNED & set(VERBS)
