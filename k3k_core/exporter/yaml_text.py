"""YAML: what is shipped in it, and what people are to read, with texts of several lines as blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def to_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as YAML in which expressions of several lines stay readable.

    Args:
        document: mappings, lists and texts.
    """
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes texts of several lines as blocks, and nothing by reference."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 (the base class calls it so)
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Dumper.add_representer(str, text)
    return str(yaml.dump(dict(document), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1_000_000))


def from_yaml(text: str) -> Any:
    """Return what a YAML document of our own says.

    Args:
        text: the document.
    """
    import yaml

    # Safe either way; the one in C is ten times as fast.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506
