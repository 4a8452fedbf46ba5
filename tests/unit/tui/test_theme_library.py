"""Themes in folders: found by name, the user's own first, and looked at again when they change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k3k_tui.look.library import Changed, Library
from k3k_tui.look.theme_file import ThemeError


def write(folder: Path, name: str, text: str, *, at: int = 1) -> None:
    """Write a theme and let its time be a certain one, however coarse the clock of the file system is."""
    path = folder / f"{name}.yaml"
    path.write_text(text)
    os.utime(path, ns=(at, at))


def test_own_themes_are_found_beside_those_that_come_with_k3k(tmp_path: Path) -> None:
    write(tmp_path, "mine", "extends: dusk\ntitle: Mine\n")
    library = Library(tmp_path)
    assert {"mine", "harbour"} <= set(library.names)
    assert library.theme("mine").title == "Mine"


def test_a_folder_that_does_not_exist_holds_no_themes(tmp_path: Path) -> None:
    assert Library(tmp_path / "none").names == Library().names
    assert Library(tmp_path / "none").poll() == Changed()


def test_an_own_theme_can_extend_the_one_whose_place_it_takes(tmp_path: Path) -> None:
    write(tmp_path, "harbour", "extends: harbour\ntitle: Ours\ncolors: {accent: '#abcdef'}\n")
    theme = Library(tmp_path).theme("harbour")
    assert (theme.title, theme.color("accent")) == ("Ours", "#abcdef")
    assert theme.color("good") == Library().theme("harbour").color("good")


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(ThemeError, match=r"There is no theme n\\eo") as caught:
        Library().theme("n\x1bo")
    assert "harbour" in caught.value.hint


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, "mine", "extends: dusk\ncolors: {good: blue-ish}\n")
    with pytest.raises(ThemeError) as caught:
        Library(tmp_path).theme("mine")
    assert str(tmp_path / "mine.yaml") in caught.value.message
    assert "colors.good" in caught.value.message


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.yaml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(ThemeError, match="cannot be read"):
        Library(tmp_path).theme("mine")


def test_themes_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "one", "extends: two\n")
    write(tmp_path, "two", "extends: one\n")
    with pytest.raises(ThemeError, match="in a circle"):
        Library(tmp_path).theme("one")


def test_nothing_is_read_again_while_nothing_changes(tmp_path: Path) -> None:
    write(tmp_path, "mine", "extends: dusk\n")
    library = Library(tmp_path)
    theme = library.theme("mine")
    assert library.poll() == Changed()
    assert library.theme("mine") is theme


def test_a_changed_file_is_read_again_and_so_is_what_extends_it(tmp_path: Path) -> None:
    write(tmp_path, "base", "extends: dusk\n")
    write(tmp_path, "mine", "extends: base\n")
    library = Library(tmp_path)
    library.theme("mine")
    write(tmp_path, "base", "extends: dusk\ncolors: {good: '#00ff00'}\n", at=2)
    assert set(library.poll().themes) == {"base", "mine"}
    assert library.theme("mine").color("good") == "#00ff00"


def test_a_file_that_breaks_leaves_the_theme_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "mine", "extends: dusk\ntitle: Good\n")
    library = Library(tmp_path)
    library.theme("mine")
    write(tmp_path, "mine", "extends: dusk\ntitle: [\n", at=2)
    changed = library.poll()
    assert changed.themes == ()
    assert "not valid YAML" in changed.problems["mine"].message
    assert library.theme("mine").title == "Good"


def test_a_file_that_goes_leaves_the_theme_as_it_was_for_those_who_have_it_on(tmp_path: Path) -> None:
    write(tmp_path, "mine", "extends: dusk\ntitle: Good\n")
    library = Library(tmp_path)
    library.theme("mine")
    (tmp_path / "mine.yaml").unlink()
    assert library.poll() == Changed()
    assert library.theme("mine").title == "Good"
    assert "mine" not in library.names


def test_a_new_file_is_a_new_theme(tmp_path: Path) -> None:
    library = Library(tmp_path)
    write(tmp_path, "mine", "extends: dusk\n")
    assert library.poll().themes == ("mine",)
