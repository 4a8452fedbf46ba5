"""Fixtures of the command's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import k3k_core.host
from tests.support.command import Command, FakeHosts, isolate, kubeconfig_text


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment without anything of the user's; the working directory is the home."""
    folder = tmp_path / "home"
    folder.mkdir()
    isolate(monkeypatch, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def k3k(monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, run in this process."""
    return Command(monkeypatch)


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> FakeHosts:
    """Hosts in memory instead of on the network."""
    fake = FakeHosts()
    monkeypatch.setattr(k3k_core.host, "open_host", fake.open)
    return fake


@pytest.fixture
def kubeconfig(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubeconfig with the contexts prod, stage and dev; prod is current and has the namespace team-a."""
    path = home / "kubeconfig.yaml"
    path.write_text(kubeconfig_text("prod", "stage", "dev", namespace="team-a"), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


@pytest.fixture
def calls() -> list[Any]:
    """Takes the calls of the stand-in."""
    return []
