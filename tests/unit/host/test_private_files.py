"""Key material for libraries that insist on file names."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from k3k_core.host.private_files import private_files


@pytest.mark.parametrize("in_memory", [True, False])
def test_contents_are_private_files_until_the_block_ends(
    in_memory: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create", raising=False)

    with private_files(b"one", b"", b"two") as (first, none, second):
        assert first is not None
        assert second is not None
        assert none is None
        assert (Path(first).read_bytes(), Path(second).read_bytes()) == (b"one", b"two")
        if not in_memory:
            assert stat.S_IMODE(Path(first).stat().st_mode) == 0o600
            assert stat.S_IMODE(Path(first).parent.stat().st_mode) == 0o700

    assert not Path(first).exists()
    assert not Path(second).exists()
