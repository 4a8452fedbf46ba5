"""The documentation is what the dashboard is."""

from __future__ import annotations

import pytest

from k3k_tui.actions.registry import ACTIONS
from k3k_tui.config import parse_config
from k3k_tui.reference import DOCS, dashboard_page, keys_page

WRITE_ANEW = "write it anew: .venv/bin/python -m k3k_tui.reference"


def yaml_in(page: str) -> list[str]:
    """Return the YAML examples of a page."""
    return [block.partition("```")[0] for block in page.split("```yaml\n")[1:]]


def test_the_page_of_keys_is_current() -> None:
    assert (DOCS / "keys.md").read_text(encoding="utf-8") == keys_page(), WRITE_ANEW


def test_the_tables_of_the_dashboard_page_are_current() -> None:
    page = (DOCS / "dashboard.md").read_text(encoding="utf-8")
    assert page == dashboard_page(page), WRITE_ANEW
    assert page.count("<!-- end -->") == 3


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_is_documented(name: str) -> None:
    assert f"| `{name}` |" in keys_page()


@pytest.mark.parametrize("page", ["keys.md", "dashboard.md"])
def test_every_configuration_that_is_shown_is_read_without_a_complaint(page: str) -> None:
    import yaml

    examples = yaml_in((DOCS / page).read_text(encoding="utf-8"))
    assert examples
    for example in examples:
        assert parse_config(yaml.safe_load(example)["tui"])[1] == ()
