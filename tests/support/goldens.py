"""Whole renders that are kept as files.

After a wanted change: `python -m tests.support.goldens`, then read the diff.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from k3k_core.manifests import Blueprint, render, secret_data
from tests.support.blueprints import (
    AYEDO_VALUES,
    ETCD_VALUES,
    EXTERNAL_VALUES,
    HARDENED_VALUES,
    OWN_SECRET_VALUES,
    blueprint,
)

DIRECTORY = Path(__file__).parents[1] / "unit" / "manifests" / "golden"


def cases() -> Mapping[str, Blueprint]:
    """Return the blueprints behind the files, by file name without suffix."""
    return {
        "default": blueprint(),
        "ayedo": blueprint(AYEDO_VALUES),
        "tenant": blueprint(preset="tenant"),
        "etcd": blueprint(ETCD_VALUES),
        "external": blueprint(EXTERNAL_VALUES),
        "own-datastore-secret": blueprint(OWN_SECRET_VALUES, datastore_files=frozenset({"ca.crt"})),
        "hardened": blueprint(HARDENED_VALUES),
        "v1.21.3": blueprint("version: v1.21.3+k3s1"),
    }


def path_of(name: str) -> Path:
    """Return the file of a golden."""
    return DIRECTORY / f"{name}.yaml"


def text_of(source: Blueprint) -> str:
    """Return every object of a control plane as YAML, what is base64 in Secrets shown as text."""
    return yaml.dump_all(
        [_readable(item) for item in render(source)],
        Dumper=_Dumper,
        sort_keys=True,
        width=110,
        explicit_start=True,
    )


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _readable(manifest: dict[str, Any]) -> dict[str, Any]:
    if manifest["kind"] != "Secret":
        return manifest
    return {**manifest, "data": "base64 of the following", "decoded": secret_data(manifest)}


def main() -> None:
    """Write every file anew."""
    for stale in DIRECTORY.glob("*.yaml"):
        stale.unlink()
    for name, source in cases().items():
        path_of(name).write_text(text_of(source), encoding="utf-8")


if __name__ == "__main__":
    main()
