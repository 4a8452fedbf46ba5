"""The members of a dedicated etcd as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k3k_core.cli.output import table

if TYPE_CHECKING:
    from k3k_core.cli.terminal import Terminal
    from k3k_core.lifecycle.etcd_status import EtcdStatus, MemberState

_HEAD = ("MEMBER", "ROLE", "HEALTHY", "VERSION", "SIZE", "IN USE", "REVISION", "TROUBLE")


def status_text(terminal: Terminal, status: EtcdStatus) -> str:
    """Return a table of the members and a line about the whole.

    Args:
        terminal: where it will be shown.
        status: of the etcd.
    """
    rows = [_row(member) for member in status.members]
    alarms = ", ".join(f"{kind} ({name})" for name, kind in status.alarms) or "none"
    count = f"{status.healthy} of {len(status.members)} members work, {status.quorum} are needed"
    return f"{table(terminal, list(_HEAD), rows)}\n\n{count}; alarms: {alarms}"


def _row(member: MemberState) -> list[str]:
    return [
        member.name,
        member.role or "-",
        "yes" if member.healthy else "no",
        member.version or "-",
        _size(member.size),
        _size(member.size_in_use),
        str(member.revision or "-"),
        member.trouble,
    ]


def _size(size: int) -> str:
    if not size:
        return "-"
    return f"{size / 2**20:.1f} MiB"
