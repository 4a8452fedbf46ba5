"""Samples into families, as `prometheus_client` reads the text format 0.0.4."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from k3k_core.telemetry.labels import spell_series
from k3k_core.telemetry.page import Family
from k3k_core.telemetry.scanner.collector import Collector
from k3k_core.telemetry.scanner.numbers import as_float
from k3k_core.telemetry.scanner.plan import KINDS, Plan, Wanted
from k3k_core.telemetry.scanner.table import Allowance, LayoutTable
from k3k_core.telemetry.scanner.text_line import read_text_sample
from k3k_core.telemetry.scanner.words import WHITE, read_name, split_words


class TextFormat:
    """Follows the declarations of a page, and gathers the samples of the wanted families.

    Args:
        wanted: what is wanted.
        table: what pages share.
        before: the families of the page before.
    """

    def __init__(self, wanted: Wanted, table: LayoutTable, before: Mapping[str, Family]) -> None:
        self.plan: Plan = wanted.nothing
        # Whether samples still belong to the declared family: one that does not ends it.
        self.open = True
        self._wanted = wanted
        self._before = before
        self._found: dict[str, Collector] = {}
        self._began_with = 0
        self._collector = partial(Collector, table=table, allowance=Allowance(table.page_bytes))

    def declare(self, plan: Plan) -> None:
        """Begin the family of a plan, another one than the current.

        Raises:
            ValueError: the family before was of a kind that does not exist.
        """
        self.leave()
        self.begin(plan)

    def begin(self, plan: Plan) -> None:
        """Begin the family of a plan where the one before needs no check: nothing of it could be wanted."""
        self.plan = plan
        self.open = True
        if not plan.skip:
            found = self._found.get(plan.name)
            self._began_with = 0 if found is None else len(found)

    def leave(self) -> None:
        """End the current family.

        Raises:
            ValueError: it was of a kind that does not exist.
        """
        plan = self.plan
        if not self.open or not plan.name:
            return
        if plan.kind not in KINDS:
            raise ValueError(f"{plan.name[:100]!r} is of no known kind: {plan.kind[:60]!r}")
        found = self._found.get(plan.name)
        if found is not None and len(found) > self._began_with:
            found.settle(plan.kind)

    def comment(self, line: bytes) -> None:
        """Take a comment line.

        Raises:
            ValueError: it declares something, and is malformed.
        """
        words = split_words(line.decode().strip(), WHITE)
        what = words[1] if len(words) > 1 else ""
        if what not in {"TYPE", "HELP"}:
            return
        name = read_name(words[2]) if len(words) > 2 else ""
        same = name == (self.plan.name if self.open else "")
        if what == "HELP":
            if not same:
                self.declare(self._wanted.plan(name, "untyped"))
            return
        if len(words) < 4:
            raise ValueError("a TYPE without a kind")
        plan = self._wanted.plan(name, words[3])
        if same:
            self.plan = plan
        else:
            self.declare(plan)

    def sample(self, line: str) -> None:
        """Take a sample line, without the white space around it.

        Raises:
            ValueError: it is malformed.
        """
        name, labels, value, timestamp = read_text_sample(line)
        plan = self.plan
        if self.open and name.encode() in plan.allowed:
            family, place = plan.name, plan.place
        else:
            self.foreign()
            family, place = name, (name, "")
        if family in self._wanted.names:
            series = spell_series(name, labels)
            self.gathered(family).add(series, place, as_float(value), timestamp)

    def foreign(self) -> None:
        """End the current family at a sample that does not belong to it.

        Raises:
            ValueError: the family was of a kind that does not exist.
        """
        self.leave()
        self.open = False

    def gathered(self, family: str) -> Collector:
        """Return what gathers the samples of a wanted family."""
        found = self._found.get(family)
        if found is None:
            before = self._before.get(family)
            layout = before.layout if before is not None else None
            found = self._found[family] = self._collector(family, before=layout)
        return found

    def families(self) -> dict[str, Family]:
        """Return the families found.

        Raises:
            ValueError: the last one was of a kind that does not exist.
        """
        self.leave()
        return {name: found.family() for name, found in self._found.items() if len(found)}
