"""Writes the table of faults in docs/sandbox.md anew: `python -m tests.support.sandbox_documentation`."""

from __future__ import annotations

from pathlib import Path

from k3k_core.sandbox.fault_catalogue import FAULTS

DOCUMENT = Path(__file__).parents[2] / "docs/sandbox.md"
BEGIN, END = "<!-- faults -->\n", "<!-- end of faults -->\n"


def fault_table() -> str:
    """Return the table of faults."""
    rows = [f"| `{fault.spelled}` | {fault.of} | {fault.summary} |" for fault in FAULTS.values()]
    return "\n".join(["| fault | of | what is seen |", "|---|---|---|", *rows, ""])


def with_table(text: str) -> str:
    """Return a document with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{fault_table()}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
