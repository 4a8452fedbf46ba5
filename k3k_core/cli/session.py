"""What every verb receives: the settings and the two streams."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from k3k_core.cli.settings import Settings, resolve
from k3k_core.cli.terminal import Style, Terminal, escape, escape_lines, inspect_stream, is_terminal


@dataclass(frozen=True, slots=True)
class Console:
    """The standard streams: data on the one, everything said beside it on the other.

    Attributes:
        out: what the standard output can show.
        err: what the standard error can show.
        quiet: say nothing but warnings and errors.
        verbose: say more.
    """

    out: Terminal
    err: Terminal
    quiet: bool = False
    verbose: bool = False

    def data(self, text: str) -> None:
        """Write data; what goes to a terminal has been escaped by whoever formatted it.

        Args:
            text: whole lines.
        """
        sys.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")

    def document(self, text: str) -> None:
        """Write a document byte for byte, but never a control character to a terminal.

        Args:
            text: whole lines, e.g. a kubeconfig from a Secret.
        """
        self.data(escape_lines(text) if is_terminal(sys.stdout) else text)

    def note(self, text: str, style: Style | None = None) -> None:
        """Say something on standard error, unless quiet.

        Args:
            text: one or more lines.
            style: its meaning.
        """
        if not self.quiet:
            self._say(self.err.style(escape_lines(text), style))

    def warn(self, text: str) -> None:
        """Say a warning on standard error.

        Args:
            text: one or more lines.
        """
        self._say(f"{self.err.style('warning:', 'warn')} {escape_lines(text)}")

    def can_ask(self) -> bool:
        """Return whether a person sits at both the standard input and the standard error."""
        return is_terminal(sys.stdin) and is_terminal(sys.stderr)

    def ask(self, question: str) -> str:
        """Ask a person and return the answer without blanks around it; the end of input is no answer.

        Args:
            question: without a line break.
        """
        sys.stderr.write(escape(question))
        sys.stderr.flush()
        return sys.stdin.readline().strip()

    def _say(self, text: str) -> None:
        stream: TextIO = sys.stderr
        stream.write(f"{text}\n")
        stream.flush()


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one verb.

    Attributes:
        settings: what the common options came to.
        console: where to write.
    """

    settings: Settings
    console: Console


def open_session(
    *, own: Mapping[str, Any], outer: Mapping[str, Any], outputs: Sequence[str], many_hosts: bool
) -> Session:
    """Resolve the settings and look at the streams.

    Args:
        own: common options given after the verb.
        outer: common options given before it.
        outputs: formats the verb has, default first.
        many_hosts: the verb can work on several hosts.

    Raises:
        UsageError: the settings make no sense.
    """
    settings = resolve(own, outer, outputs=outputs, many_hosts=many_hosts)
    console = Console(
        out=inspect_stream(sys.stdout, os.environ, no_color=settings.no_color),
        err=inspect_stream(sys.stderr, os.environ, no_color=settings.no_color),
        quiet=settings.quiet,
        verbose=settings.verbose,
    )
    if settings.verbose:
        from k3k_core.cli.logs import log_to_stderr

        log_to_stderr()
    return Session(settings, console)
