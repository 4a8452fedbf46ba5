"""Every way a command can end other than well: what is said about it, and its exit code."""

from __future__ import annotations

import errno
import os
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from k3k_core.cli.terminal import escape, escape_lines
from k3k_core.errors import K3kError

INTERRUPTED = 130
BROKEN_PIPE = 141  # 128 + SIGPIPE, as a program ends that the signal kills
_SECRETS = (
    re.compile(r"-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL),
    re.compile(r"(?<=://)[^/\s@]*:[^/\s@]*(?=@)"),
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(r"(?i)((?:token|password|secret|key-data)['\"]?\s*[:=]\s*)['\"]?[^\s,'\"}]+"),
    re.compile(r"[A-Za-z0-9+/_=-]{40,}"),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """What the user is told.

    Attributes:
        message: after `k3k: `; several lines when several things are wrong.
        hint: the next step, or empty.
        code: exit code.
        prefix: what stands before the message.
    """

    message: str
    hint: str
    code: int
    prefix: str = "k3k"

    def __str__(self) -> str:
        lines = f"{self.prefix}: {escape_lines(self.message)}"
        return f"{lines}\nhint: {escape_lines(self.hint)}" if self.hint else lines


def redact(text: str) -> str:
    """Return `text` without anything that looks like a key, a token or a password.

    Args:
        text: text of unknown origin, e.g. the message of an unexpected exception.
    """
    for pattern in _SECRETS:
        text = pattern.sub(lambda match: f"{match.group(1) if match.re.groups else ''}[redacted]", text)
    return text


def explain(error: BaseException, *, resumable: bool = False) -> Failure:
    """Return what to say about an exception that ended a command.

    Args:
        error: any exception; None of them leads to a traceback unless K3K_DEBUG is set.
        resumable: repeating the same command goes on where it stopped.
    """
    known = list(_leaves(error))
    if all(isinstance(leaf, K3kError) for leaf in known):
        return _expected([leaf for leaf in known if isinstance(leaf, K3kError)])
    if isinstance(error, click.ClickException):
        return _wrong_use(error)
    if isinstance(error, KeyboardInterrupt | click.Abort):
        rest = " The same command goes on where it stopped." if resumable else ""
        return Failure(f"Interrupted.{rest}", "", INTERRUPTED)
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS}:
        return Failure(f"Could not write {error.filename or 'the output'}: {error.strerror}.", "", 1)
    if isinstance(error, MemoryError):
        return Failure("Out of memory.", "", 1)
    return _unexpected(error)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group, without the cancellations that come with them."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _expected(errors: list[K3kError]) -> Failure:
    unique = {error.message: error for error in errors}
    hint = next((error.hint for error in unique.values() if error.hint), "")
    return Failure("\n".join(unique), hint, errors[0].exit_code)


def _wrong_use(error: click.ClickException) -> Failure:
    if not isinstance(error, click.UsageError):
        return Failure(error.format_message(), "", error.exit_code)
    message = error.format_message()
    if isinstance(error, click.NoSuchOption):
        meant = f" Did you mean {error.possibilities[0]}?" if error.possibilities else ""
        message = f"There is no option {error.option_name}.{meant}"
    path = error.ctx.command_path if error.ctx is not None else "k3k"
    return Failure(message, f"`{path} --help` shows how it is used.", 2, prefix=path)


def _unexpected(error: BaseException) -> Failure:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}k3k_" in frame.filename] or list(frames)
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    if os.environ.get("K3K_DEBUG"):
        details = redact("".join(traceback.format_exception(error)).rstrip())
        return Failure(f"internal error: {type(error).__name__}{place}\n{details}", "", 1)
    return Failure(
        f"internal error: {escape(type(error).__name__)}{place} (set K3K_DEBUG=1 for details)", "", 1
    )
