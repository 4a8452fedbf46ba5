"""The dashboard's part of the configuration file."""

from __future__ import annotations

from typing import Any

import pytest

from k3k_tui.config import TuiConfig, parse_config


def test_nothing_is_the_usual() -> None:
    assert parse_config(None) == (TuiConfig(), ())


def test_every_setting_is_read() -> None:
    config, problems = parse_config(
        {
            "theme": "paper",
            "keymap": "vim",
            "keys": {"app.quit": "Q", "app.jobs": ["f5", 9], "app.last": None, "app.help": ","},
            "columns": ["verdict", "name"],
            "mouse": False,
            "refresh": "1m",
        }
    )
    assert problems == ()
    assert config == TuiConfig(
        theme="paper",
        keymap="vim",
        keys={"app.quit": "Q", "app.jobs": "f5,9", "app.last": "", "app.help": "comma"},
        columns=("verdict", "name"),
        mouse=False,
        refresh=60.0,
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ([], "tui: a mapping is expected; it has theme, keymap, keys, columns, mouse, refresh."),
        ({"them": "x"}, "tui: there is no setting 'them'; did you mean 'theme'?"),
        ({"theme": 5}, "tui.theme: a name is expected."),
        ({"mouse": "maybe"}, "tui.mouse: true or false is expected."),
        ({"refresh": "soon"}, "tui.refresh: 'soon' is no duration; write it like 30s, 5m, 1h30m or 2d."),
        ({"refresh": "100ms"}, "tui.refresh: less than 1 s asks too much of the control planes."),
        ({"columns": "name"}, "tui.columns: a list of names of columns is expected."),
        (
            {"keys": ["q"]},
            "tui.keys: keys by name of action are expected, such as `app.quit: Q`.",
        ),
        (
            {"keys": {"app.quit": True}},
            "tui.keys: a key, or a list of keys, is expected for app.quit; y and n need quotes.",
        ),
    ],
)
def test_what_makes_no_sense_is_told_by_its_key_and_the_usual_stands_in(content: Any, problem: str) -> None:
    assert parse_config(content) == (TuiConfig(), (problem,))


def test_one_mistake_leaves_the_rest_in_force() -> None:
    config, problems = parse_config({"theme": "paper", "mouse": 3})
    assert config.theme == "paper"
    assert len(problems) == 1
