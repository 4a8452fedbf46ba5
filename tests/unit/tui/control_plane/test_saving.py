"""Writing what is on the screen to a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from k3k_core.errors import K3kError
from k3k_tui.screens.control_plane.saving import ExistsError, save


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    save(tmp_path / "a.log", "one\n")
    assert (tmp_path / "a.log").read_text() == "one\n"
    assert (tmp_path / "a.log").stat().st_mode & 0o777 == 0o600


def test_another_file_is_left_alone_until_it_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("precious")
    with pytest.raises(ExistsError):
        save(path, "new")
    assert path.read_text() == "precious"
    save(path, "new", replace=True)
    assert path.read_text() == "new"


def test_a_link_is_not_followed_to_another_file(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("precious")
    (tmp_path / "a.log").symlink_to(tmp_path / "target")
    with pytest.raises(ExistsError):
        save(tmp_path / "a.log", "new")


def test_a_leading_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    save(Path("~/a.log"), "one")
    assert (tmp_path / "a.log").exists()


@pytest.mark.parametrize("name", ["missing/a.log", "nul\0l"])
def test_what_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(K3kError, match="cannot be written"):
        save(tmp_path / name, "one")
