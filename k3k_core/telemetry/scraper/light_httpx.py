"""httpx as a library, without its command line.

`import httpx` loads the `httpx` command too when it can, and with it click, rich and pygments: 5 MiB in each process
and a third of the time. httpx does without when that import fails; here it finds it failing.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class _NoCommandLine(MetaPathFinder):
    """Finds the module of httpx's command line missing."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Refuse one module, and leave all others to others."""
        del path, target
        if fullname == "httpx._main":
            raise ImportError("not wanted here")
        return None


_finder = _NoCommandLine()
sys.meta_path.insert(0, _finder)
try:
    import httpx
finally:
    sys.meta_path.remove(_finder)

__all__ = ["httpx"]
