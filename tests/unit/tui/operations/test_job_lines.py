"""Jobs in words."""

from __future__ import annotations

import pytest

from k3k_core.lifecycle.progress import Step
from k3k_tui.jobs.job import Job, JobState
from k3k_tui.look.glyphs import UNICODE
from k3k_tui.view.lines import line_width
from k3k_tui.widgets.job_lines import COLUMNS, job_cells, job_details
from tests.support.stage import text_of

HOSTILE = "[red]\x1b[2J\u202e漢字" + "x" * 253


def job(state: JobState = "running", **other: object) -> Job:
    values: dict[str, object] = {"started": 100.0, "command": "k3k delete ci", **other}
    return Job(7, "Delete", "prod/shop/ci", state, **values)  # type: ignore[arg-type]  # any of its attributes


@pytest.mark.parametrize("state", ["waiting", "running", "done", "failed", "cancelled"])
def test_a_state_has_a_sign_of_its_own_and_its_word(state: JobState) -> None:
    cells = job_cells(job(state), 100.0, UNICODE)
    assert len(cells) == len(COLUMNS)
    sign, word = cells[1].text.split()
    assert word == state
    assert len(sign) == 1


def test_a_running_job_takes_longer_and_an_ended_one_does_not() -> None:
    assert [cell.text for cell in job_cells(job(), 190.0, UNICODE)[-2:]] == ["90s", "90s"]
    assert [cell.text for cell in job_cells(job("done", ended=130.0), 190.0, UNICODE)[-2:]] == ["90s", "30s"]


def test_steps_are_told_with_the_time_since_the_job_was_asked_for() -> None:
    steps = (Step("a", "started", "waiting"), Step("b", "done", "there"), Step("c", "warning", "slow"))
    text = text_of(job_details(job(steps=steps, times=(101.0, 105.0, 190.0)), 60))
    assert "    1s   waiting\n    5s + there\n   90s ! slow" in text
    assert "$ k3k delete ci" in text


def test_the_last_word_of_a_job_is_what_came_of_it_and_what_to_do() -> None:
    failed = job("failed", ended=101.0, outcome="Not ready.\n  pod-0: Pending", hint="Look at its events.")
    assert text_of(job_details(failed, 60)).endswith("Not ready.\n  pod-0: Pending\nLook at its events.")


@pytest.mark.parametrize(
    ("waiting", "why"),
    [(job("waiting", waits_for=3), "Waits for job 3"), (job("waiting"), "Waits until fewer jobs run")],
)
def test_a_job_that_waits_says_for_what(waiting: Job, why: str) -> None:
    assert why in text_of(job_details(waiting, 80))


@pytest.mark.parametrize("width", [20, 60, 140])
def test_hostile_text_stays_text_and_within_its_width(width: int) -> None:
    steps = (Step("a", "warning", HOSTILE),)
    wicked = job("failed", steps=steps, times=(100.0,), outcome=HOSTILE, hint=HOSTILE, command=HOSTILE)
    lines = job_details(wicked, width)
    assert "\x1b" not in text_of(lines)
    assert "\u202e" not in text_of(lines)
    assert max(line_width(line) for line in lines[1:]) <= width
