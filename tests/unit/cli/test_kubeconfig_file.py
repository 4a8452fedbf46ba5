"""`k3k kubeconfig --merge`: the user's own file, changed in one step, with a copy of what it was."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

import k3k_core.lifecycle.kubeconfig
from k3k_core.cli.kubeconfig_file import default_file
from tests.support.command import Command, async_returning, kubeconfig_text
from tests.support.made_up import SECRET_KUBECONFIG

pytestmark = pytest.mark.usefixtures("kubeconfig", "hosts")


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(k3k_core.lifecycle.kubeconfig, "fetch_kubeconfig", async_returning(SECRET_KUBECONFIG))


def contexts(path: Path) -> list[str]:
    return [entry["name"] for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["contexts"]]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("fetched")
def test_it_is_added_beside_what_is_there_and_the_file_as_it_was_is_kept(k3k: Command, home: Path) -> None:
    path = home / "mine.yaml"
    path.write_text(kubeconfig_text("work"), encoding="utf-8")
    path.chmod(0o644)

    ended = k3k("kubeconfig", "ci", "--merge", str(path))

    assert ended.code == 0, ended.err
    assert contexts(path) == ["work", "ci"]
    backup = home / "mine.yaml.before-k3k"
    assert backup.read_text(encoding="utf-8") == kubeconfig_text("work")
    assert (mode(path), mode(backup)) == (0o600, 0o600)
    assert ended.out == ""
    assert "Added context ci" in ended.err


@pytest.mark.usefixtures("fetched")
def test_the_folder_is_made_when_there_is_none(k3k: Command, home: Path) -> None:
    path = home / ".kube" / "config"
    assert k3k("kubeconfig", "ci", "--merge", str(path)).code == 0
    assert contexts(path) == ["ci"]
    assert mode(path.parent) == 0o700


@pytest.mark.usefixtures("fetched")
def test_a_file_that_is_no_kubeconfig_is_left_alone(k3k: Command, home: Path) -> None:
    path = home / "notes.txt"
    path.write_text("- buy milk\n", encoding="utf-8")
    ended = k3k("kubeconfig", "ci", "--merge", str(path))
    assert ended.code == 2
    assert path.read_text(encoding="utf-8") == "- buy milk\n"
    assert not (home / "notes.txt.before-k3k").exists()


@pytest.mark.parametrize("args", [["--context-name", "x"], ["--merge", "a", "--out", "b"]])
def test_options_that_do_not_go_together_are_wrong_use(k3k: Command, args: list[str]) -> None:
    assert k3k("kubeconfig", "ci", *args).code == 2


def test_the_default_file_is_the_one_kubectl_would_change(home: Path) -> None:
    assert default_file({"KUBECONFIG": "/a:/b"}) == Path("/a")
    assert default_file({}) == Path("~/.kube/config").expanduser()
