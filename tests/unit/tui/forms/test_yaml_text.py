"""Setting one value in the text of a values file."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.cli.terminal import UNSAFE
from k3k_core.values.document import read_document
from k3k_tui.forms.model.fields import advanced, essentials
from k3k_tui.forms.model.texts import MISSING
from k3k_tui.forms.model.yaml_text import canonical, with_value
from tests.support.values_strategies import values_trees

COMMENTED = dedent(
    """\
    # Ours.
    servers: 2  # two are enough

    k3s:
      # Ask Mia before changing these.
      tls_sans:
        - a.example.org  # old
        - b.example.org
      debug: true
    # The end.
    """
)
PATHS = [field.path for section in (essentials(), *advanced()) for field in section.fields]
VALUES = st.one_of(
    st.just(MISSING),
    st.none(),
    st.booleans(),
    st.integers(0, 99),
    st.text(max_size=12),
    st.sampled_from(
        ["yes", "0644", "1:30", "2024-01-01", "# no", "a: b", "- x", "'", '"', "null", "~", "1e3"]
    ),
    st.lists(st.text(max_size=6), max_size=3),
    st.dictionaries(st.text(min_size=1, max_size=6), st.text(max_size=6), max_size=3),
)


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("servers",), 3, "servers: 2  # two", "servers: 3  # two"),
        (("k3s", "debug"), False, "debug: true", "debug: false"),
        (("k3s", "debug"), MISSING, "  debug: true\n", ""),
        (("k3s", "tls_sans"), ["c"], "    - a.example.org  # old\n    - b.example.org\n", "  - c\n"),
        (("k3s", "token"), "x", "  debug: true\n", "  debug: true\n  token: x\n"),
        (("ttl",), "8h", "# The end.", "ttl: 8h\n# The end."),
        (("datastore", "kind"), "etcd", "# The end.", "datastore:\n  kind: etcd\n# The end."),
    ],
)
def test_only_what_is_set_changes(path: tuple[str, ...], value: Any, old: str, new: str) -> None:
    assert with_value(COMMENTED, path, value) == COMMENTED.replace(old, new, 1)


def test_a_block_goes_with_the_last_value_in_it() -> None:
    text = "# top\nservers: 2\nk3s:\n  disable:\n    traefik: false\n"
    assert with_value(text, ("k3s", "disable", "traefik"), MISSING) == "# top\nservers: 2\n"


def test_the_first_value_comes_below_comments() -> None:
    assert with_value("# mine\n", ("servers",), 2) == "# mine\nservers: 2\n"


def test_without_comments_values_stand_in_the_order_of_the_reference() -> None:
    text = with_value(with_value("", ("persistence", "size"), "2Gi"), ("servers",), 2)
    assert text == "servers: 2\npersistence:\n  size: 2Gi\n"


def test_the_last_value_leaves_nothing() -> None:
    assert with_value("servers: 2\n", ("servers",), MISSING) == ""


def test_text_that_is_not_understood_stays_as_it_is() -> None:
    assert with_value("k3s: [1, 2\n", ("servers",), 2) == "k3s: [1, 2\n"


def test_an_empty_block_is_filled() -> None:
    assert with_value("# a\nk3s:\n", ("k3s", "debug"), value=True) == "# a\nk3s:\n  debug: true\n"


def test_values_in_braces_are_kept_when_their_form_is_not() -> None:
    text = "# a\nk3s: {debug: true,\n  log_level: '2'}\n"
    assert read_document(with_value(text, ("k3s", "token"), "x")).tree == {
        "k3s": {"debug": True, "log_level": "2", "token": "x"}
    }


@given(values_trees(), st.sampled_from(PATHS), VALUES, st.booleans())
def test_after_setting_a_value_the_file_holds_it_and_everything_else(
    tree: dict[str, Any], path: tuple[str, ...], value: Any, commented: bool
) -> None:
    text = canonical(tree)
    if commented:
        text = "# before\n" + text.replace("\n", "  # why\n", 1) + "# after\n"
    before = read_document(text)
    changed = read_document(with_value(text, path, value))
    assert changed.usable
    assert at(changed.tree, path) == value
    for other in PATHS:
        if other != path:
            assert at(changed.tree, other) == at(before.tree, other)


@given(values_trees(), st.sampled_from(PATHS))
def test_setting_what_is_there_already_changes_nothing(tree: dict[str, Any], path: tuple[str, ...]) -> None:
    text = "# a comment\n" + canonical(tree)
    assert with_value(text, path, at(read_document(text).tree, path)) == text


def at(tree: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if not isinstance(tree, dict) or step not in tree:
            return MISSING
        tree = tree[step]
    return tree


def test_what_would_make_a_terminal_lie_is_written_as_escapes() -> None:
    text = canonical({"loadbalancer": {"annotations": {"a": "\u202egpj.exe", "b": "\x1b[2J", "c": "žluť"}}})
    assert not UNSAFE.search(text.replace("\n", ""))
    assert read_document(text).tree["loadbalancer"]["annotations"]["a"] == "\u202egpj.exe"
