"""Short notices at the edge of the screen; their text is never markup."""

from __future__ import annotations

from typing import Any, Literal

from textual.app import App

from k3k_core.cli.terminal import escape_lines
from k3k_core.errors import K3kError

Severity = Literal["information", "warning", "error"]


def tell(app: App[Any], text: str, *, title: str = "", severity: Severity = "information") -> None:
    """Show a notice.

    Args:
        app: the dashboard.
        text: what to say; it may come from a cluster.
        title: over it.
        severity: how bad it is.
    """
    app.notify(escape_lines(text), title=escape_lines(title), severity=severity, markup=False)


def tell_error(app: App[Any], error: K3kError, *, title: str = "") -> None:
    """Show what failed and what to do about it.

    Args:
        app: the dashboard.
        error: what failed.
        title: what was being done.
    """
    text = f"{error.message}\n{error.hint}" if error.hint else error.message
    tell(app, text, title=title, severity="error")


def tell_failure(app: App[Any], error: BaseException, *, title: str = "") -> None:
    """Show any failure, an unexpected one without its details, which may hold secrets.

    Args:
        app: the dashboard.
        error: what failed.
        title: what was being done.
    """
    from k3k_core.cli.failures import explain

    failure = explain(error)
    tell_error(app, K3kError(failure.message, hint=failure.hint), title=title)
