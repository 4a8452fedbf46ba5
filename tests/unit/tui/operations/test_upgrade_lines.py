"""What is read before an upgrade, and the versions that are offered for it."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_core.errors import Issue
from k3k_core.lifecycle.comparison import FieldChange, ObjectDiff
from k3k_core.lifecycle.upgrade import UpgradePlan
from k3k_core.names import ControlPlaneId
from k3k_core.releases import allowed_versions
from k3k_tui.look.glyphs import UNICODE
from k3k_tui.operations.upgrade_lines import plan_lines, problem_lines, summary_lines
from k3k_tui.operations.versions import choices
from tests.support.stage import text_of


def plan(**other: Any) -> UpgradePlan:
    """A plan from one minor version to the next."""
    usual: dict[str, Any] = {
        "id": ControlPlaneId("shop", "ci"),
        "from_version": "v1.35.4+k3s1",
        "to_version": "v1.36.2+k3s1",
        "revision": 3,
        "next_revision": 4,
        "strategy": "rolling",
        "resumes": False,
        "changes": (FieldChange("servers", "1", "3"), FieldChange("ttl", "", '"4h"')),
        "objects": (
            ObjectDiff("StatefulSet/ci", "change", (FieldChange("spec.replicas", "1", "3"),)),
            ObjectDiff("Service/ci", "none"),
            ObjectDiff("PodDisruptionBudget/ci", "create"),
            ObjectDiff("Secret/old", "remove"),
        ),
        "steps": ("Store the values.", "Replace servers."),
        "problems": (),
        "warnings": (Issue("version", "it never goes back", "back it up"),),
    }
    return UpgradePlan(**{**usual, **other})


def test_everything_is_told_in_the_order_one_wants_to_know_it() -> None:
    assert text_of(plan_lines(plan(), UNICODE)).split("\n") == [
        "v1.35.4+k3s1 to v1.36.2+k3s1 · revision 3 to 4",
        "one server after the other; the API goes on answering",
        "",
        "What to know before",
        "· version: it never goes back",
        "  back it up",
        "",
        "What will happen",
        "1. Store the values.",
        "2. Replace servers.",
        "",
        "Values that change",
        "servers",
        "  - 1",
        "  + 3",
        "ttl",
        '  + "4h"',
        "",
        "Objects that change (3)",
        "~ StatefulSet/ci",
        "    spec.replicas",
        "      - 1",
        "      + 3",
        "+ PodDisruptionBudget/ci",
        "- Secret/old",
    ]


def test_an_upgrade_that_is_gone_on_with_says_so() -> None:
    text = text_of(
        list(summary_lines(plan(resumes=True, to_version="v1.35.4+k3s1", next_revision=3), UNICODE))
    )
    assert text.startswith("stays at v1.35.4+k3s1 · revision 3\n")
    assert text.endswith("goes on with an upgrade that has not come to its end")


def test_a_problem_of_the_whole_has_no_path() -> None:
    assert text_of(problem_lines([Issue("", "servers are down")], UNICODE)) == "· servers are down"


def test_versions_are_offered_the_newest_first_and_another_at_the_end() -> None:
    offered = choices(["v1.35.4+k3s1"])
    assert [choice.value for choice in offered] == [*allowed_versions("v1.35.4+k3s1"), ""]
    assert {choice.note for choice in offered[:-1]} <= {"the same minor version", "the next minor version"}


def test_for_several_it_is_told_how_many_may_go_there() -> None:
    notes = {choice.value: choice.note for choice in choices(["v1.35.4+k3s1", "v1.36.2+k3s1"])}
    (newest,) = [version for version in allowed_versions("v1.36.2+k3s1") if version.startswith("v1.37")][:1]
    assert notes[newest] == "for 1 of 2"
    both = next(iter(set(allowed_versions("v1.35.4+k3s1")) & set(allowed_versions("v1.36.2+k3s1"))))
    assert notes[both] == "for all of them"


@pytest.mark.parametrize("version", ["", "latest", "v1.99.0+k3s1"])
def test_nothing_is_offered_for_versions_nobody_knows(version: str) -> None:
    assert choices([version]) == []
