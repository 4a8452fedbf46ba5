"""What the rooms below log, shown on standard error with `-v`."""

from __future__ import annotations

import logging
import sys

from k3k_core.cli.terminal import escape_lines


class _Formatter(logging.Formatter):
    """Log lines whose control characters are spelled out."""

    def format(self, record: logging.LogRecord) -> str:
        return escape_lines(super().format(record))


def log_to_stderr() -> None:
    """Show every record of k3k's own loggers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(levelname).1s %(name)s: %(message)s"))
    logger = logging.getLogger("k3k_core")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG)
