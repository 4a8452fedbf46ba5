"""Kubeconfig files: read as kubectl reads them, refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from k3k_core.errors import UsageError
from k3k_core.host import Context, HostOptions, hosts
from k3k_core.host.kubeconfig import load_kubeconfig


def _config(*names: str, current: str = "", port: int = 6443) -> dict[str, Any]:
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}:{port}"}} for name in names],
        "users": [{"name": name, "user": {"token": "hunter2"}} for name in names],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in names],
    }
    return {**config, "current-context": current} if current else config


def _write(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def _hosts(*paths: Path) -> list[Context]:
    return hosts(HostOptions(":".join(map(str, paths))), {})


def test_contexts_are_listed_with_their_servers(tmp_path: Path) -> None:
    config = _config("a", "b", current="b")
    config["contexts"][0]["context"]["namespace"] = "team"

    assert _hosts(_write(tmp_path / "config", config)) == [
        Context("a", "https://a:6443", current=False, namespace="team"),
        Context("b", "https://b:6443", current=True, namespace="default"),
    ]


def test_of_several_files_the_first_to_name_something_wins(tmp_path: Path) -> None:
    first = _write(tmp_path / "1", _config("a", "b", port=1))
    second = _write(tmp_path / "2", _config("b", "c", current="c", port=2))
    third = _write(tmp_path / "3", _config("a", current="a", port=3))

    assert [(host.name, host.server, host.current) for host in _hosts(first, second, third)] == [
        ("a", "https://a:1", False),
        ("b", "https://b:1", False),
        ("c", "https://c:2", True),
    ]


def test_missing_files_of_a_list_are_skipped(tmp_path: Path) -> None:
    assert len(_hosts(tmp_path / "missing", _write(tmp_path / "config", _config("a")))) == 1


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"missing does not exist\.$"):
        _hosts(tmp_path / "missing")


def test_the_environment_names_files(tmp_path: Path) -> None:
    path = _write(tmp_path / "config", _config("a"))

    assert len(hosts(HostOptions(), {"KUBECONFIG": str(path)})) == 1


def test_the_file_in_the_home_folder_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_kubeconfig(HostOptions(), {}) is None

    (tmp_path / ".kube").mkdir()
    _write(tmp_path / ".kube" / "config", _config("a"))
    assert load_kubeconfig(HostOptions(), {}) is not None


def test_an_unknown_context_lists_those_there_are(tmp_path: Path) -> None:
    config = load_kubeconfig(HostOptions(str(_write(tmp_path / "config", _config("b", "a")))), {})
    assert config is not None

    with pytest.raises(UsageError, match="has no context 'c'") as caught:
        config.select("c")

    assert caught.value.hint == "Known contexts: a, b."


def test_no_current_context_asks_to_choose(tmp_path: Path) -> None:
    config = load_kubeconfig(HostOptions(str(_write(tmp_path / "config", _config("b", "a")))), {})
    assert config is not None

    with pytest.raises(UsageError, match="has no current context") as caught:
        config.select(None)

    assert caught.value.hint == "Choose one with --context; known: a, b."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("users: [name: hunter2", r"is not valid YAML \(line \d, column \d+\)\."),
        ("a: b: hunter2", r"is not valid YAML \(line 1, column 5\)"),
        ("!!python/object:os.system hunter2", "is not valid YAML"),
        ("[" * 100_000, "is nested too deeply"),
        ("hunter2", "is not a kubeconfig"),
        ("- hunter2", "is not a kubeconfig"),
        ("clusters: hunter2", "clusters must be a list"),
        ("users: [hunter2]", "every one of the users needs a name"),
        ("users: [{user: {token: hunter2}}]", "every one of the users needs a name"),
        ("users: [{name: u, user: hunter2}]", "user 'u' must be a mapping"),
        ("current-context: [hunter2]", "current-context must be a string"),
        ("contexts: [{name: a, context: {cluster: [hunter2]}}]", "cluster of 'a' must be a string"),
    ],
    ids=range(12),
)
def test_broken_files_are_refused_without_quoting_them(tmp_path: Path, content: str, words: str) -> None:
    path = _write(tmp_path / "config", content)

    with pytest.raises(UsageError, match=words) as caught:
        _hosts(path)

    assert str(path) in caught.value.message
    assert "hunter2" not in caught.value.message
    assert "\n" not in caught.value.message


def test_a_file_of_bytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(b"\x7fELF\xff\xfe\x00")

    with pytest.raises(UsageError, match="is not a text file"):
        _hosts(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        _hosts(tmp_path)


def test_an_empty_file_has_no_contexts(tmp_path: Path) -> None:
    assert _hosts(_write(tmp_path / "config", "")) == []
