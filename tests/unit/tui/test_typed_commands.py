"""What is typed on the `:` line."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from k3k_core.errors import UsageError
from k3k_tui.actions.action import Action, Argument
from k3k_tui.actions.registry import ACTIONS
from k3k_tui.actions.typed import ALIASES, TypedHistory, commands, complete, parse

QUIT = Action("app.quit", "Quit", "End.", "app", "app.leave", command="quit")
UPGRADE = Action(
    "x.upgrade",
    "Upgrade",
    "Upgrade.",
    "targets",
    "app.operate('upgrade')",
    command="upgrade",
    arguments=("control-plane", "version"),
)
FILTER = Action(
    "x.filter", "Filter", "Filter.", "fleet", "screen.filter", command="filter", arguments=("filter",)
)
KNOWN = (QUIT, UPGRADE, FILTER)
PLANES = ("storefront", "shop/billing")


def offer(kind: Argument, words: tuple[str, ...]) -> Iterable[str]:
    if kind == "filter":
        return [f"{' '.join(words)}dict:"]
    versions = ("v1.36.2+k3s1", "v1.35.9+k3s1") if words == ("storefront",) else ()
    return {"control-plane": PLANES, "version": versions}.get(kind, ())


def words(line: str) -> tuple[Action | None, tuple[str, ...]]:
    typed = parse(line, KNOWN, PLANES)
    assert typed is not None
    return typed.action, typed.words


def test_a_command_takes_the_words_behind_it() -> None:
    assert words(" upgrade  storefront v1.36.2+k3s1 ") == (UPGRADE, ("storefront", "v1.36.2+k3s1"))


def test_q_ends_as_everywhere() -> None:
    assert words("q") == words("q!") == (QUIT, ())


def test_a_filter_keeps_its_blanks() -> None:
    assert words("filter verdict:degraded  -l team=a") == (FILTER, ("verdict:degraded  -l team=a",))


def test_the_name_of_a_control_plane_leads_to_it() -> None:
    assert words("shop/billing") == (None, ("shop/billing",))


def test_nothing_means_nothing() -> None:
    assert parse("  ", KNOWN, PLANES) is None


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("upgrad storefront", "Did you mean 'upgrade'?"),
        ("storefrnt", "Did you mean 'storefront'?"),
        ("xyz", "Tab shows what there is."),
        ("quit now", "It is written :quit."),
        ("upgrade a v1 more", "It is written :upgrade CONTROL-PLANE VERSION."),
    ],
)
def test_what_means_nothing_is_told_with_what_may_have_been_meant(line: str, advice: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(line, KNOWN, PLANES)
    assert raised.value.hint == advice


@pytest.mark.parametrize(
    ("line", "offers"),
    [
        ("", ("quit", "upgrade", "filter", *PLANES)),
        ("u", ("upgrade", "quit")),
        ("bil", ("shop/billing",)),
        ("upgrade ", ("upgrade storefront", "upgrade shop/billing")),
        ("upgrade storefront v1.36", ("upgrade storefront v1.36.2+k3s1",)),
        ("upgrade storefront v1.36.2+k3s1 ", ()),
        ("filter p99>1s ver", ("filter p99>1s verdict:",)),
        ("unknown ", ()),
    ],
)
def test_a_line_is_completed_word_by_word(line: str, offers: tuple[str, ...]) -> None:
    assert complete(line, KNOWN, offer) == offers


def test_aliases_lead_to_commands_that_there_are_and_hide_none() -> None:
    known = commands(ACTIONS.values())
    assert [each for each in ALIASES.values() if each not in known] == []
    assert [each for each in ALIASES if each in known] == []


def test_older_lines_come_back_and_what_was_being_typed_too() -> None:
    history = TypedHistory()
    for line in ("jobs", "hosts", "jobs"):
        history.add(line)
    assert history.lines == ("hosts", "jobs")
    assert [history.older("dra"), history.older("jobs"), history.older("hosts")] == ["jobs", "hosts", "hosts"]
    assert [history.newer("hosts"), history.newer("jobs"), history.newer("dra")] == ["jobs", "dra", "dra"]
