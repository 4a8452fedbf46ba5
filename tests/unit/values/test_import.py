"""What importing the package costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import k3k_core.values


def _loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_package_alone_loads_neither_pydantic_nor_yaml() -> None:
    assert _loaded_after("import k3k_core.values").isdisjoint({"pydantic", "yaml"})


def test_presets_and_secrets_do_without_pydantic() -> None:
    statement = (
        "from k3k_core.values import PRESETS, preset_text, split_secrets, read_values_file; preset_text('ci')"
    )
    assert "pydantic" not in _loaded_after(statement)


def test_every_exported_name_exists() -> None:
    for name in k3k_core.values.__all__:
        assert getattr(k3k_core.values, name) is not None


def test_no_other_name_is_exported() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        _ = k3k_core.values.nothing  # type: ignore[attr-defined]  # what is tested
