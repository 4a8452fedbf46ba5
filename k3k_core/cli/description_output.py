"""A description of a control plane for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from k3k_core.ages import format_age
from k3k_core.cli.output import Cell, fields, table, to_yaml
from k3k_core.cli.rows import verdict_style
from k3k_core.cli.terminal import Style, Terminal, escape_lines

if TYPE_CHECKING:
    from k3k_core.lifecycle.description import Certificate, Description

_SOON = 30  # days


def description_text(terminal: Terminal, description: Description) -> str:
    """Return all of a description, section by section; sections that would be empty are left out.

    Args:
        terminal: where it will be shown.
        description: of one control plane, at one moment.
    """
    now = description.now
    sections = [
        ("", _summary(terminal, description)),
        (
            "Endpoints",
            _table(
                terminal,
                ("KIND", "URL", "REACHABLE FROM"),
                [(item.kind, item.url, item.reach) for item in description.endpoints],
            ),
        ),
        (
            "Conditions",
            _table(
                terminal,
                ("TYPE", "STATUS", "MESSAGE"),
                [
                    (item.type, Cell(item.status, "good" if item.status == "True" else "warn"), item.message)
                    for item in description.conditions
                ],
            ),
        ),
        ("Servers", _pods(terminal, description)),
        (
            "Certificates",
            _table(
                terminal,
                ("NAME", "EXPIRES", "DAYS LEFT"),
                [
                    (item.name, f"{item.expires_at:%Y-%m-%d}", _days(item, now))
                    for item in description.certificates
                ],
            ),
        ),
        (
            "Volumes",
            _table(
                terminal,
                ("NAME", "PHASE", "SIZE", "CLASS"),
                [(item.name, item.phase, item.size, item.storage_class) for item in description.volumes],
            ),
        ),
        ("Values", escape_lines(to_yaml(description.values).rstrip()) if description.values else ""),
        ("Events", _events(terminal, description)),
        ("Not shown, because this identity may not list them", ", ".join(description.hidden)),
    ]
    return "\n\n".join(_section(terminal, title, body) for title, body in sections if body)


def _section(terminal: Terminal, title: str, body: str) -> str:
    if not title:
        return body
    indented = "\n".join(f"  {line}".rstrip() for line in body.split("\n"))
    return f"{terminal.style(f'{title}:', 'bold')}\n{indented}"


def _table(terminal: Terminal, headings: Sequence[str], rows: Sequence[Sequence[Cell | str]]) -> str:
    return table(terminal, headings, rows) if rows else ""


def _summary(terminal: Terminal, description: Description) -> str:
    row, now = description.summary, description.now
    pairs: list[tuple[str, Cell | str]] = [
        ("Name", row.name),
        ("Namespace", row.namespace),
        ("Host", row.host),
        ("Status", Cell(row.verdict, verdict_style(row.verdict))),
        *([("Reason", row.reason)] if row.reason else []),
        ("Version", row.version),
        ("Servers", f"{row.servers_ready} of {row.servers_wanted} ready"),
        ("Datastore", row.datastore),
        ("Endpoint", row.endpoint),
        ("Made by", f"{row.made_by} ({row.system}{', read-only' if row.read_only else ''})"),
        *([("Revision", str(description.revision))] if description.revision else []),
        ("Created", _moment(row.created_at, now)),
        *([("Expires", _moment(row.expires_at, now))] if row.expires_at else []),
        *([("Paused", _moment(row.paused_at, now))] if row.paused_at else []),
        *([("Backed up", _moment(row.backed_up_at, now))] if row.backed_up_at else []),
        *([("Protected", "yes: delete and prune refuse it")] if row.protected else []),
    ]
    return fields(terminal, pairs)


def _moment(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    seconds = (now - moment).total_seconds()
    distance = f"{format_age(seconds)} ago" if seconds >= 0 else f"in {format_age(-seconds)}"
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({distance})"


def _pods(terminal: Terminal, description: Description) -> str:
    rows: list[tuple[Cell | str, ...]] = [
        (
            pod.name,
            Cell("yes", "good") if pod.ready else Cell("no", "warn"),
            pod.phase,
            str(pod.restarts),
            pod.address,
            pod.node,
        )
        for pod in description.servers
    ]
    return _table(terminal, ("POD", "READY", "PHASE", "RESTARTS", "ADDRESS", "NODE"), rows)


def _days(certificate: Certificate, now: datetime) -> Cell:
    left = certificate.days_left(now)
    style: Style | None = "bad" if left < 0 else "warn" if left < _SOON else None
    return Cell("expired" if left < 0 else str(left), style)


def _events(terminal: Terminal, description: Description) -> str:
    rows: list[tuple[Cell | str, ...]] = [
        (
            format_age((description.now - event.last_seen).total_seconds()) if event.last_seen else "",
            Cell(event.type, "warn" if event.type == "Warning" else None),
            event.reason,
            event.subject,
            f"{event.message} (x{event.count})" if event.count > 1 else event.message,
        )
        for event in description.events
    ]
    return _table(terminal, ("AGE", "TYPE", "REASON", "OBJECT", "MESSAGE"), rows)
