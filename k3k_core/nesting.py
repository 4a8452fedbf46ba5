"""Depth of YAML documents: the C loader recurses, and its stack ends with the process."""

from __future__ import annotations

from typing import Any, Final

NESTING_LIMIT: Final = 100


def nested_too_deeply(text: str | bytes, *, loader: Any, limit: int = NESTING_LIMIT) -> bool:
    """Tell whether a YAML text nests deeper than a limit, without building anything of it.

    Args:
        text: YAML, of one document or several.
        loader: the loader class that is going to read it.
        limit: levels of sequences and mappings that are fine.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > limit:
                return True
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return False
