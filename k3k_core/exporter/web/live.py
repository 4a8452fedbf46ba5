"""A web configuration that is read again when its file, or a file it names, changes."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable
from pathlib import Path

from k3k_core.errors import UsageError
from k3k_core.exporter.web.config import WebConfig, read_web_config, refusal
from k3k_core.exporter.web.tls import TlsProblemsError, server_context

_log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


class LiveWebConfig:
    """The web configuration in force: a file that has become unusable leaves the last good one in force.

    Args:
        path: the file; None for plain HTTP for everybody.
        told: takes one sentence when a changed file cannot be used, or has come into force.

    Raises:
        UsageError: the file cannot be used to begin with.
    """

    def __init__(self, path: Path | None, told: Callable[[str], None] = _log.warning) -> None:
        self._path = path
        self._told = told
        self._stamp: Stamp = ()
        self.config = WebConfig()
        self.context: ssl.SSLContext | None = None
        if path is not None:
            self.config, self.context = _load(path)
            self._stamp = self._look()

    @property
    def scheme(self) -> str:
        """The scheme of its URLs."""
        return "https" if self.context is not None else "http"

    def refresh(self) -> None:
        """Read the files again if one of them changed."""
        if self._path is None:
            return
        stamp = self._look()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            config, context = _load(self._path)
        except UsageError as error:
            self._told(f"The changed web configuration is not used, the last good one stays: {error}")
            return
        if (context is None) != (self.context is None):
            self._told(
                "The changed web configuration turns TLS on or off: that needs a restart, "
                "the last good one stays."
            )
            return
        self.config, self.context = config, context
        # It may name other files now.
        self._stamp = self._look()
        self._told(f"The changed web configuration {self._path} is in force.")

    def _look(self) -> Stamp:
        return tuple(_stamp_of(Path(name)) for name in (str(self._path), *self.config.tls.files))


def _stamp_of(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)


def _load(path: Path) -> tuple[WebConfig, ssl.SSLContext | None]:
    config = read_web_config(path)
    if not config.tls.enabled:
        return config, None
    try:
        return config, server_context(config.tls)
    except TlsProblemsError as problems:
        raise refusal(path, problems.issues) from None
