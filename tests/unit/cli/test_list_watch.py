"""`k3k list --watch` and `--plain`, over a fleet in memory."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

import k3k_core.cli.live
import k3k_core.discovery
import k3k_core.fleet
import k3k_core.host
from k3k_core.cli.narration import Narrator
from k3k_core.discovery import ControlPlane
from k3k_core.errors import UnreachableError
from k3k_core.fleet import ChangeSet, FleetKey, FleetOptions, FleetRow, HostState
from k3k_core.host import HostApi, HostOptions
from k3k_core.telemetry.judgement import Judgement
from tests.support.command import Command, FakeHosts
from tests.support.fleet_rows import DAY, NOW, degraded, fleet_row, full_signals

pytestmark = pytest.mark.usefixtures("kubeconfig")

CI = fleet_row(labels={"team": "build"})
BLOG = fleet_row("blog", namespace="shop", servers_ready=0, servers_wanted=3, labels={"team": "shop"})
DOWN = replace(BLOG, judgement=Judgement("Down", NOW))
PROD = HostState("prod", connected=True, since=NOW, listed=True, control_planes=2)
GROWS_OLD = "What is known of its control planes grows old."
LOST = replace(PROD, connected=False, error="It does not answer (get Secrets).", hint="Look at the network.")


def everything(_row: ControlPlane) -> bool:
    """Leave nothing out."""
    return True


def told(*changes: ChangeSet, keep: Callable[[ControlPlane], bool] = everything) -> list[str]:
    """What is told of some changes, without the time before each sentence."""
    narrator = Narrator(keep, lambda: NOW)
    sentences = [sentence for change in changes for sentence in narrator.tell(change)]
    assert all(re.match(r"\d\d:\d\d:\d\d ", sentence) for sentence in sentences)
    return [sentence[9:] for sentence in sentences]


@dataclass
class WatchedFleet:
    """A fleet whose changes are known beforehand; it ends after them.

    Attributes:
        told: what happens.
        options: how it was asked for.
    """

    told: list[ChangeSet] = field(default_factory=list)
    options: list[FleetOptions] = field(default_factory=list)
    rows: dict[FleetKey, FleetRow] = field(default_factory=dict)
    hosts: dict[str, HostState] = field(default_factory=dict)

    @asynccontextmanager
    async def open(self, options: FleetOptions) -> AsyncIterator[WatchedFleet]:
        """Stand in for `Fleet`."""
        self.options.append(options)
        yield self

    async def changes(self) -> AsyncIterator[ChangeSet]:
        """Tell what happens."""
        for change in self.told:
            yield change


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch, hosts: FakeHosts) -> WatchedFleet:
    """The fleet that is watched, and hosts that can be asked."""
    made = WatchedFleet()
    monkeypatch.setattr(k3k_core.fleet, "Fleet", made.open)

    async def listed(host: Any, **_: Any) -> tuple[ControlPlane, ...]:
        return (CI.control_plane, BLOG.control_plane) if host.name == "current" else ()

    monkeypatch.setattr(k3k_core.discovery, "list_control_planes", listed)
    return made


def test_what_there_is_comes_first_in_a_sentence_each() -> None:
    assert told(ChangeSet(changed=(CI, DOWN), hosts=(PROD,))) == [
        "Host prod has 2 control planes.",
        "ci in team-a on prod is Healthy, 1 of 1 servers ready, version v1.36.2+k3s1.",
        "blog in shop on prod is Down, 0 of 3 servers ready, version v1.36.2+k3s1.",
    ]


def test_a_change_of_the_verdict_is_told_with_its_reason() -> None:
    assert told(ChangeSet(changed=(CI,)), ChangeSet(changed=(degraded(CI, "ApiReadsSlow"),)))[1:] == [
        "ci in team-a on prod was Healthy and is Degraded: It is slow."
    ]


def test_another_reason_for_the_same_verdict_is_told_but_not_another_value_of_it() -> None:
    slow = degraded(CI, "ApiReadsSlow")
    finding = replace(slow.judgement.findings[0], summary="It is slower.", value=3.0)
    slower = replace(slow, judgement=replace(slow.judgement, findings=(finding,)))
    stuck = degraded(CI, "QueueStuck")
    assert told(*(ChangeSet(changed=(row,)) for row in (slow, slower, stuck)))[1:] == [
        "ci in team-a on prod is still Degraded, for another reason: It is slow."
    ]


def test_servers_and_versions_are_told_and_figures_that_move_are_not() -> None:
    measured = replace(CI, signals=full_signals())
    upgraded = fleet_row(servers_ready=2, servers_wanted=3, version="v1.37.0+k3s1")
    sentences = told(*(ChangeSet(changed=(row,)) for row in (CI, measured, upgraded)))
    assert sentences[1:] == ["ci in team-a on prod has 2 of 3 servers ready, runs v1.37.0+k3s1."]


def test_what_goes_and_comes_again_is_told() -> None:
    changes = (ChangeSet(changed=(CI,)), ChangeSet(removed=(CI.id,)), ChangeSet(removed=(CI.id,)))
    sentences = told(*changes, ChangeSet(changed=(CI,)))
    assert sentences[1] == "ci in team-a on prod is gone."
    assert len(sentences) == 3


def test_a_lost_host_is_told_once_with_what_to_do_and_so_is_its_return() -> None:
    again = replace(LOST, since=NOW + 5, error="It does not answer (list Secrets).")
    refused = replace(LOST, error="It refuses the connection.", hint="")
    assert told(*(ChangeSet(hosts=(state,)) for state in (PROD, LOST, again, refused, PROD, PROD))) == [
        "Host prod has 2 control planes.",
        f"Host prod is not followed: It does not answer (get Secrets). {GROWS_OLD} Look at the network.",
        "Host prod is still not followed: It refuses the connection.",
        "Host prod is followed again.",
    ]


def test_a_row_that_is_old_from_the_start_says_so() -> None:
    (sentence,) = told(ChangeSet(changed=(replace(CI, stale_since=NOW - DAY),)))
    assert sentence.endswith(", version v1.36.2+k3s1, as it was 24h ago.")


def test_only_what_was_asked_for_is_told() -> None:
    def keep(row: ControlPlane) -> bool:
        return row.labels.get("team") == "shop"

    other = fleet_row("blog", namespace="shop", labels={})
    sentences = told(ChangeSet(changed=(CI, BLOG)), ChangeSet(changed=(other,), removed=(CI.id,)), keep=keep)
    assert sentences == [
        "blog in shop on prod is Healthy, 0 of 3 servers ready, version v1.36.2+k3s1.",
        "blog in shop on prod does not have the labels asked for any more.",
    ]


def test_names_from_a_cluster_cannot_speak_to_the_terminal() -> None:
    state = HostState("prod", False, NOW, error="\x1b]0;owned\x07")
    for sentence in told(ChangeSet(changed=(fleet_row("a\nb\x1b[2J"),), hosts=(state,))):
        assert sentence.isprintable()


def test_without_a_terminal_the_watch_tells_sentences(k3k: Command, fleet: WatchedFleet) -> None:
    fleet.told = [ChangeSet(changed=(CI, DOWN), hosts=(PROD,)), ChangeSet(removed=(CI.id,))]
    ended = k3k("list", "--watch", "-n", "shop")
    assert (ended.code, ended.err) == (0, "")
    assert [line[9:] for line in ended.out.splitlines()][-1] == "ci in team-a on prod is gone."
    (options,) = fleet.options
    assert (options.namespace, options.scrape is not None) == ("shop", True)


def test_plain_tells_sentences_on_a_terminal_too_and_moves_no_cursor(
    k3k: Command, fleet: WatchedFleet
) -> None:
    k3k.terminal = True
    fleet.told = [ChangeSet(changed=(CI, DOWN))]
    ended = k3k("list", "--watch", "--plain", "--no-signals")
    assert "\x1b" not in ended.out
    assert len(ended.out.splitlines()) == 2
    assert fleet.options[0].scrape is None


def test_documents_for_programs_tell_hosts_rows_and_what_went(k3k: Command, fleet: WatchedFleet) -> None:
    unsure = HostState("the current context", False, NOW)
    fleet.told = [ChangeSet(changed=(CI, BLOG), hosts=(unsure, LOST)), ChangeSet(removed=(BLOG.id,))]
    lines = k3k("list", "--watch", "-o", "json", "-l", "team=shop").out.splitlines()
    assert [json.loads(line) for line in lines] == [
        {
            "schema": "k3k.list.watch/v1",
            "type": "HOST",
            "host": {
                "name": "prod",
                "connected": False,
                "error": "It does not answer (get Secrets).",
                "hint": "Look at the network.",
                "controlPlanes": 2,
            },
        },
        {"schema": "k3k.list.watch/v1", "type": "CHANGED", "item": BLOG.to_dict()},
        {
            "schema": "k3k.list.watch/v1",
            "type": "REMOVED",
            "item": {"host": "prod", "namespace": "shop", "name": "blog"},
        },
    ]


def test_on_a_terminal_a_table_is_redrawn_the_worst_first(
    k3k: Command, fleet: WatchedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    k3k.terminal = True
    seen: list[str] = []

    async def once(draw: Callable[[], Awaitable[str]]) -> None:
        seen.append(await draw())

    monkeypatch.setattr(k3k_core.cli.live, "show_until_quit", once)
    old = replace(CI, stale_since=datetime.now(UTC).timestamp() - 300)
    fleet.rows = {row.id: row for row in (old, DOWN)}
    fleet.hosts = {"prod": LOST, "stage": HostState("stage", False, NOW)}
    ended = k3k("list", "--watch", "--no-color")
    lines = seen[0].splitlines()
    assert lines[0].startswith("Host prod has not been followed for ")
    assert lines[0].endswith(": It does not answer (get Secrets). Look at the network.")
    assert lines[1:3] == ["2 control planes: 1 Down, 1 Healthy. Waiting for stage.", ""]
    assert [line.split()[1] for line in lines[3:]] == ["NAME", "blog", "ci"]
    assert "Healthy, 5m old" in lines[5]
    # What stays when the screen is gone is short.
    assert ended.out.splitlines() == lines[:2]


def test_an_empty_fleet_says_so(k3k: Command, fleet: WatchedFleet, monkeypatch: pytest.MonkeyPatch) -> None:
    k3k.terminal = True

    async def once(draw: Callable[[], Awaitable[str]]) -> None:
        await draw()

    monkeypatch.setattr(k3k_core.cli.live, "show_until_quit", once)
    assert k3k("list", "--watch").out == "No control planes.\n"


def test_a_watch_of_hosts_of_which_none_answers_fails_like_a_list(
    k3k: Command, fleet: WatchedFleet, hosts: FakeHosts
) -> None:
    hosts.fail[None] = UnreachableError("prod does not answer.")
    ended = k3k("list", "--watch")
    assert (ended.code, ended.err) == (6, "k3k: prod does not answer.\n")
    assert fleet.options == []


def test_a_watch_goes_on_with_hosts_that_do_not_answer_yet(
    k3k: Command, fleet: WatchedFleet, hosts: FakeHosts
) -> None:
    hosts.fail["stage"] = UnreachableError("stage does not answer.")
    ended = k3k("list", "--watch", "--context", "prod", "--context", "stage")
    assert (ended.code, ended.err) == (0, "")
    assert [host.context for host in fleet.options[0].hosts] == ["prod", "stage"]


def test_a_watch_does_not_wait_for_hosts_that_hang(
    k3k: Command, fleet: WatchedFleet, hosts: FakeHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[str | None] = []

    @asynccontextmanager
    async def opened(options: HostOptions) -> AsyncIterator[HostApi]:
        if options.context == "stage":
            try:
                await asyncio.Event().wait()
            finally:
                left.append(options.context)
        async with hosts.open(options) as host:
            yield host

    monkeypatch.setattr(k3k_core.host, "open_host", opened)
    hosts.fail["dev"] = UnreachableError("dev does not answer.")
    ended = k3k("list", "--watch", "--context", "dev", "--context", "prod", "--context", "stage")
    assert (ended.code, ended.err, left) == (0, "", ["stage"])
    assert [host.context for host in fleet.options[0].hosts] == ["dev", "prod", "stage"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--watch", "-o", "yaml"), "--watch does not write yaml."),
        (("--watch", "-o", "name"), "--watch does not write name."),
        (("--plain", "-o", "json"), "--plain goes with no other format."),
        (("--watch", "--no-signals", "--rules", "x"), "--rules goes with -o wide or --signals."),
        (("-l", "a b"), "'a b' is no condition on labels."),
    ],
)
def test_what_does_not_go_together_is_refused(
    k3k: Command, fleet: WatchedFleet, arguments: tuple[str, ...], message: str
) -> None:
    ended = k3k("list", *arguments)
    assert ended.code == 2
    assert message in ended.err


def test_plain_alone_tells_a_sentence_for_each(k3k: Command, fleet: WatchedFleet) -> None:
    assert k3k("list", "--plain").out.splitlines() == [
        "ci in team-a on prod is Healthy, 1 of 1 servers ready, version v1.36.2+k3s1.",
        "blog in shop on prod is Healthy, 0 of 3 servers ready, version v1.36.2+k3s1.",
    ]


@pytest.mark.parametrize(
    ("selector", "names"),
    [("team=shop", ["shop/blog"]), ("team", ["team-a/ci", "shop/blog"]), ("team=none", [])],
)
def test_labels_choose_what_is_listed(
    k3k: Command, fleet: WatchedFleet, selector: str, names: list[str]
) -> None:
    assert k3k("list", "-l", selector, "-o", "name").out.split() == names
