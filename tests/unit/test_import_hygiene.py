"""What is imported when: start-up time and the one-way dependencies rest on it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import k3k_core

HEAVY = ("kubernetes_asyncio", "pydantic", "aiohttp", "cryptography", "yaml", "httpx", "asyncio", "textual")


def loaded_after(code: str) -> set[str]:
    """Run code in a fresh interpreter and return the top-level packages it has loaded."""
    script = f"{code}\nimport sys\nprint('\\n' + ' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in ran.stdout.splitlines()[-1].split()}


@pytest.mark.parametrize("args", [[], ["--help"], ["--version"], ["crete"]])
def test_the_command_loads_nothing_heavy_before_a_verb_is_known(args: list[str]) -> None:
    loaded = loaded_after(f"from k3k_core.cli.main import main\nmain({args!r})")
    assert loaded.isdisjoint(HEAVY)
    assert "click" in loaded


@pytest.mark.parametrize("verb", ["create", "list", "describe", "demo", "sandbox", "values"])
def test_the_help_of_a_verb_loads_neither_the_host_libraries_nor_the_model(verb: str) -> None:
    loaded = loaded_after(f"from k3k_core.cli.main import main\nmain([{verb!r}, '--help'])")
    assert loaded.isdisjoint({"kubernetes_asyncio", "aiohttp", "pydantic", "cryptography", "textual"})


def test_checking_values_loads_no_host_libraries() -> None:
    loaded = loaded_after("from k3k_core.cli.main import main\nmain(['values', '--preset', 'ci'])")
    assert loaded.isdisjoint({"kubernetes_asyncio", "aiohttp", "textual"})


def test_completing_a_verb_loads_nothing_heavy() -> None:
    loaded = loaded_after(
        "import os\n"
        "os.environ.update(_K3K_COMPLETE='bash_complete', COMP_WORDS='k3k l', COMP_CWORD='1')\n"
        "from k3k_core.cli.main import main\nmain([])"
    )
    assert loaded.isdisjoint(HEAVY)


def test_no_module_of_the_core_loads_textual() -> None:
    names = [found.name for found in pkgutil.walk_packages(k3k_core.__path__, "k3k_core.")]
    assert len(names) > 20
    loaded = loaded_after(f"import importlib\nfor name in {names!r}:\n    importlib.import_module(name)")
    assert loaded.isdisjoint({"textual", "k3k_tui"})
