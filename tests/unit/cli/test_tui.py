"""`k3k tui`, and `k3k` without a verb."""

from __future__ import annotations

from pathlib import Path

import pytest

from k3k_core.cli.settings import Settings
from k3k_tui import launch
from k3k_tui.launch import Launch
from tests.support.command import Command

Opened = list[tuple[Settings, Launch]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """What the dashboard was opened with."""
    found: Opened = []

    def run(settings: Settings, chosen: Launch) -> int:
        found.append((settings, chosen))
        return 0

    monkeypatch.setattr(launch, "run_dashboard", run)
    return found


def test_k3k_alone_opens_the_dashboard_for_a_person(k3k: Command, opened: Opened) -> None:
    k3k.terminal = True
    assert k3k().code == 0
    assert [chosen for _, chosen in opened] == [Launch()]


def test_common_options_without_a_verb_are_the_dashboard_s(k3k: Command, opened: Opened) -> None:
    k3k.terminal = True
    assert k3k("--context", "prod", "--context", "stage", "-n", "shop").code == 0
    settings, _ = opened[0]
    assert settings.contexts == ("prod", "stage")
    assert settings.namespace == "shop"


def test_k3k_alone_is_its_help_in_a_pipe(k3k: Command, opened: Opened) -> None:
    ended = k3k()
    assert ended.code == 0
    assert ended.out.startswith("Usage: k3k")
    assert opened == []


def test_help_is_help_at_a_terminal_too(k3k: Command, opened: Opened) -> None:
    k3k.terminal = True
    assert k3k("--help").out.startswith("Usage: k3k")
    assert opened == []


def test_options_of_the_dashboard_reach_it(k3k: Command, opened: Opened) -> None:
    k3k.terminal = True
    ended = k3k("tui", "--read-only", "--no-remote", "--theme", "paper", "--keymap", "vim", "--refresh", "1m")
    assert (ended.code, ended.err) == (0, "")
    assert opened[0][1] == Launch(read_only=True, remote=False, theme="paper", keymap="vim", refresh=60.0)


def test_without_a_terminal_it_says_what_works_without(k3k: Command, opened: Opened) -> None:
    ended = k3k("tui")
    assert ended.code == 2
    assert "needs a terminal" in ended.err
    assert "k3k list --watch --plain" in ended.err
    assert opened == []


def test_a_browser_needs_no_terminal(k3k: Command, opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEXTUAL_DRIVER", "textual.drivers.web_driver:WebDriver")
    assert k3k("tui").code == 0
    assert len(opened) == 1


def test_info_says_where_things_are(k3k: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("tui:\n  theme: paper\n", encoding="utf-8")
    monkeypatch.setenv("K3K_CONFIG", str(config))
    ended = k3k("tui", "--info")
    assert ended.code == 0
    assert f"configuration: {config}\n" in ended.out
    assert f"your themes: {tmp_path / 'themes'} (not there)\n" in ended.out


def test_the_dashboard_s_settings_disturb_no_other_verb(
    k3k: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("tui: nonsense\n", encoding="utf-8")
    monkeypatch.setenv("K3K_CONFIG", str(config))
    assert k3k("values", "--preset", "ci").code == 0
