"""What is wrong with a draft, beside the field it is about."""

from __future__ import annotations

import pytest

from k3k_core.values import load_values
from k3k_tui.drafts import Draft
from k3k_tui.forms.model.checking import Surroundings, check, key_of
from k3k_tui.forms.model.fields import HOST, NAME, NAMESPACE
from tests.support.invalid_values import INVALID, InvalidValues

HERE = Surroundings(hosts=("prod",), taken={("prod", "team", "old")})
GOOD = Draft(host="prod", namespace="team", name="shop")


def test_a_good_draft_has_no_problems() -> None:
    checked = check(GOOD, HERE)
    assert checked.good
    assert checked.count == 0
    assert checked.effective["k3s"]["cluster_dns"] == "10.43.0.10"


@pytest.mark.parametrize(
    "invalid", [case for case in INVALID if not case.overrides], ids=lambda case: case.name
)
def test_everything_that_k3k_refuses_is_refused_here_too(invalid: InvalidValues) -> None:
    checked = check(Draft(text=invalid.text))
    assert not checked.good
    assert checked.loaded is None
    assert checked.problems or checked.others


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("servers", "servers"),
        ("k3s.tls_sans[1]", "k3s.tls_sans"),
        ("scheduling.tolerations[0].effect", "scheduling.tolerations"),
        (r"loadbalancer.annotations.example\.org/a", "loadbalancer.annotations"),
        ("k3s.disable", ""),
        ("sevrers", ""),
        ("", ""),
    ],
)
def test_an_issue_belongs_to_the_field_it_is_about(path: str, key: str) -> None:
    assert key_of(path) == key


def test_a_problem_says_which_entry_it_is_about_and_what_would_be_right() -> None:
    checked = check(Draft(text="k3s:\n  tls_sans: [good.example.org, 'b d']\n"))
    problem = checked.problems["k3s.tls_sans"]
    assert problem.startswith("[1]: ")
    assert ";" in problem


def test_what_belongs_to_no_field_says_where_it_is() -> None:
    assert check(Draft(text="sevrers: 2\n")).others == (
        "sevrers: is not a known key; did you mean `servers`?",
    )


def test_yaml_that_is_not_understood_is_told_from_wrong_values() -> None:
    assert not check(Draft(text="a: [\n")).readable
    assert check(Draft(text="servers: x\n")).readable


def test_a_key_that_is_given_twice_is_a_problem() -> None:
    assert check(Draft(text="servers: 1\nservers: 2\n")).problems.keys() == {"servers"}


@pytest.mark.parametrize(
    ("draft", "key"),
    [
        (Draft("", "team", "shop"), HOST),
        (Draft("elsewhere", "team", "shop"), HOST),
        (Draft("prod", "", "shop"), NAMESPACE),
        (Draft("prod", "Team", "shop"), NAMESPACE),
        (Draft("prod", "team", ""), NAME),
        (Draft("prod", "team", "x" * 100), NAME),
        (Draft("prod", "team", "../shop"), NAME),
    ],
)
def test_where_it_goes_is_checked_too(draft: Draft, key: str) -> None:
    checked = check(draft, HERE)
    assert set(checked.problems) == {key}
    assert not checked.good


def test_what_is_only_not_filled_in_yet_is_told_apart() -> None:
    assert check(Draft("prod", "team", ""), HERE).missing == {NAME}
    assert check(Draft("prod", "team", "X"), HERE).missing == frozenset()


def test_a_name_that_is_taken_is_warned_about() -> None:
    assert set(check(Draft("prod", "team", "old"), HERE).warnings) == {NAME}
    assert check(Draft("eu", "team", "old"), Surroundings(("eu",), HERE.taken)).warnings == {}


def test_warnings_of_the_values_stand_beside_their_fields() -> None:
    checked = check(Draft(text="datastore:\n  etcd:\n    members: 3\n"))
    assert checked.good
    assert "datastore.etcd.members" in checked.warnings or "" in checked.warnings


def test_a_preset_that_does_not_exist_is_a_problem_and_no_exception() -> None:
    assert check(Draft(preset="nope")).others


def test_what_is_fixed_on_a_control_plane_that_exists_is_said_beside_its_field() -> None:
    existing = load_values("persistence: {enabled: false}\n").values
    assert set(check(Draft(text="datastore: {kind: etcd}\n"), existing=existing).problems) == {
        "datastore.kind"
    }
    assert set(check(Draft(text="k3s: {cluster_domain: a.b}\n"), existing=existing).problems) == {
        "k3s.cluster_domain"
    }
    # Left out, it stays what the create settled.
    assert check(Draft(text="ttl: 2d\n"), existing=existing).good
