"""Verdict rules of the user's own: `--rules FILE`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from k3k_core.cli import complete
from k3k_core.cli.option import option
from k3k_core.errors import UsageError

if TYPE_CHECKING:
    from k3k_core.telemetry.rules import Rule

rules_option = option(
    "--rules", metavar="FILE", shell_complete=complete.files, help="Verdict rules of your own."
)


def read_rules(file: str | None) -> tuple[Rule, ...]:
    """Return the shipped rules with the user's changes.

    Args:
        file: path of a rules file; None for the shipped rules alone.

    Raises:
        UsageError: it cannot be read or used.
    """
    from k3k_core.telemetry.rules import load_rules

    if file is None:
        return load_rules()
    try:
        text = Path(file).read_text("utf-8")
    except OSError as error:
        raise UsageError(f"The rules file {file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"The rules file {file} is no text.") from None
    return load_rules(text, source=file)
