"""Work of a screen in the background: it ends with the screen, and its failure ends nothing else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker


def in_background(node: DOMNode, work: Callable[[], Coroutine[Any, Any, None]], group: str) -> Worker[None]:
    """Begin work; what was begun in the same group before is ended.

    Args:
        node: the screen or widget it is for.
        work: does it; it is called when its turn comes, so that nothing is left behind when that never happens.
        group: what it is about.
    """
    return node.run_worker(work, group=group, exclusive=True, exit_on_error=False)
