"""The page on the filter says what the filter understands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from k3k_tui.view.fields import ALIASES, FIELDS, StateField
from k3k_tui.view.query import parse

PAGE = (Path(__file__).parents[4] / "docs" / "filter.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """The text below a heading."""
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_field_and_every_other_name_for_one_is_on_the_page() -> None:
    rows = [line.split(" | ") for line in section("Fields").splitlines() if line.startswith("| `")]
    names = {name for row in rows if len(row) == 3 for name in re.findall(r"`([a-z0-9-]+)`", row[0])}
    others = {name for row in rows if len(row) == 3 for name in re.findall(r"`([a-z0-9-]+)`", row[2])}
    assert names == set(FIELDS)
    assert others == set(ALIASES)


def test_every_state_is_on_the_page() -> None:
    field = FIELDS["is"]
    assert isinstance(field, StateField)
    assert all(f"`{state}`" in section("Fields") for state in field.states)


@pytest.mark.parametrize("title", ["Words", "Fields", "Examples"])
def test_everything_the_page_shows_can_be_typed(title: str) -> None:
    told = [line.split(" | ")[0] for line in section(title).splitlines() if line.startswith("| `")]
    shown = [
        text.replace("\\|", "|") for cell in told for text in re.findall(r"`([^`]*[:=<>~^\"! ][^`]+)`", cell)
    ]
    assert len(shown) > 3
    assert [text for text in shown if parse(text).problem is not None] == []


def test_label_selectors_of_the_page_can_be_typed() -> None:
    shown = re.findall(r"`(-l [^`]+)`", section("Labels"))
    assert len(shown) == 4
    assert all(parse(text).problem is None for text in shown)
