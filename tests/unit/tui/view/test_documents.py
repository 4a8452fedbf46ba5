"""YAML and differences on the screen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from k3k_tui.text import clean
from k3k_tui.view.documents import diff_lines, yaml_lines
from k3k_tui.view.lines import Line


def text(line: Line) -> str:
    return "".join(cell.text for cell in line)


def role_of(line: Line, part: str) -> str:
    return next(cell.role for cell in line if part in cell.text)


def test_keys_values_and_comments_are_told_apart() -> None:
    key, item, comment = yaml_lines("replicas: 3\n- name: k3s\n# why")
    assert (role_of(key, "replicas"), role_of(key, "3")) == ("accent", "info")
    assert (role_of(item, "name"), role_of(item, "k3s"), role_of(item, "- ")) == ("accent", "text", "muted")
    assert role_of(comment, "why") == "muted"


def test_the_text_of_a_block_is_text_whatever_it_looks_like() -> None:
    _head, inside, after = yaml_lines("script: |\n  fake: 1\nreal: 1")
    assert role_of(inside, "fake") == "text"
    assert role_of(after, "real") == "accent"


def test_masked_contents_stand_back() -> None:
    (line,) = yaml_lines("tls.key: (hidden, 1704 bytes)")
    assert role_of(line, "hidden") == "muted"


@given(st.text(alphabet=st.characters(blacklist_characters="\t"), max_size=80))
def test_nothing_is_added_lost_or_interpreted(source: str) -> None:
    assert [text(line) for line in yaml_lines(source)] == [clean(line) for line in source.splitlines()]


def test_a_difference_shows_what_went_and_what_came_with_its_surroundings() -> None:
    lines = diff_lines("a: 1\nb: 2\n", "a: 1\nb: 3\n", ("revision 1", "revision 2"))
    assert [(text(line), line[0].role) for line in lines] == [
        ("--- revision 1", "title"),
        ("+++ revision 2", "title"),
        ("@@ -1,2 +1,2 @@", "info"),
        (" a: 1", "muted"),
        ("-b: 2", "remove"),
        ("+b: 3", "add"),
    ]


def test_the_same_text_differs_in_nothing() -> None:
    assert diff_lines("a: 1\n", "a: 1\n", ("1", "2")) == []
