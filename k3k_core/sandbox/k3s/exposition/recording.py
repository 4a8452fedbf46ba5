"""Recorded pages, read from the package: every series with the two values it had, some seconds apart.

The pages in `pages/` are made from recordings of real servers by `tests/support/simulated_pages.py`.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a recording.

    Attributes:
        text: name, and labels in braces where it has any.
        first: its first value.
        second: its value when the page was read again.
    """

    text: str
    first: float
    second: float

    @property
    def name(self) -> str:
        return self.text.partition("{")[0]


@dataclass(frozen=True, slots=True)
class RecordedFamily:
    """One family of a recording.

    Attributes:
        name: its name.
        kind: "counter", "gauge", "histogram", "summary".
        help: text of its HELP line.
        series: its series in page order.
    """

    name: str
    kind: str
    help: str
    series: tuple[Series, ...]

    def header(self) -> str:
        """Return the HELP and TYPE lines."""
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.kind}\n"


@dataclass(frozen=True, slots=True)
class Recording:
    """A page as it was recorded.

    Attributes:
        seconds: time between the two values of a series.
        families: by name, in page order.
    """

    seconds: float
    families: Mapping[str, RecordedFamily]

    def with_families(self, more: Iterable[RecordedFamily]) -> Recording:
        """Return a recording in which families are added or replaced, sorted by name as real pages are."""
        families = {**self.families, **{family.name: family for family in more}}
        return Recording(self.seconds, dict(sorted(families.items())))

    def without(self, names: Iterable[str]) -> Recording:
        """Return a recording that lacks some families."""
        left_out = set(names)
        return Recording(
            self.seconds, {name: family for name, family in self.families.items() if name not in left_out}
        )


@cache
def read_recording(name: str) -> Recording:
    """Read a page of the package.

    Args:
        name: "k3s-1.21", "k3s-1.36" or "etcd-3.6".
    """
    data = files("k3k_core.sandbox.k3s").joinpath(f"pages/{name}.txt.gz").read_bytes()
    seconds = 1.0
    families: dict[str, RecordedFamily] = {}
    help_text, family, kind = "", "", "untyped"
    collected: list[Series] = []

    def finish() -> None:
        if family:
            families[family] = RecordedFamily(family, kind, help_text, tuple(collected))
        collected.clear()

    for line in gzip.decompress(data).decode().splitlines():
        if line.startswith("#! seconds "):
            seconds = float(line[11:])
        elif line.startswith("# HELP "):
            finish()
            _, _, family, help_text = line.split(" ", 3)
            kind = "untyped"
        elif line.startswith("# TYPE "):
            _, _, named, kind = line.split(" ")
            if named != family:
                finish()
                family, help_text = named, ""
        elif not line.startswith("#"):
            collected.append(_series(line))
    finish()
    return Recording(seconds, families)


def _series(line: str) -> Series:
    end = line.rfind("}") + 1 or line.index(" ")
    values = line[end:].split()
    first = float(values[0])
    return Series(line[:end], first, float(values[1]) if len(values) > 1 else first)
