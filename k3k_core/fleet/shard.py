"""Splitting a fleet over several processes that know nothing of each other."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from k3k_core.errors import UsageError
from k3k_core.telemetry.scraper.target import TargetId

_FORM = re.compile(r"([0-9]{1,6})/([0-9]{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several equal parts of a fleet.

    Attributes:
        index: which part, 0 for the first.
        count: how many parts there are.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(f"there is no part {self.index} of {self.count}")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read a part as people write it: "1/3" is the first of three.

        Args:
            text: part and number of parts.

        Raises:
            UsageError: it is no such thing.
        """
        matched = _FORM.fullmatch(text.strip())
        part, count = (int(matched[1]), int(matched[2])) if matched else (0, 0)
        if not 1 <= part <= count:
            raise UsageError(
                f"{text!r} is no part of a fleet.", hint="Write 1/3, 2/3 and 3/3 for the three parts of one."
            )
        return cls(part - 1, count)

    def holds(self, key: TargetId) -> bool:
        """Tell whether a control plane belongs to this part; each belongs to exactly one.

        Args:
            key: which control plane.
        """
        # Python's own hash differs from process to process.
        text = f"{key.host}\0{key.namespace}\0{key.name}"
        digest = hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index + 1}/{self.count}"
