"""The help: what the keys do for whatever has the cursor, from the bindings that are live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from k3k_tui.actions.action import Action
from k3k_tui.actions.registry import bindings
from k3k_tui.text import fit, width

_TITLES: Mapping[str, str] = {
    "fleet": "Fleet",
    "control-plane": "Control plane",
    "logs": "Logs",
    "jobs": "Jobs",
    "hosts": "Hosts",
    "form": "Form",
    "targets": "What can be done to control planes",
    "table": "Table",
    "app": "Everywhere",
}
OTHER = "Here"


@dataclass(frozen=True, slots=True)
class HelpLine:
    """What one action does.

    Attributes:
        section: heading it stands under.
        keys: as they are written.
        title: of the action.
        summary: one sentence.
        command: word on the `:` line; empty for none.
    """

    section: str
    keys: tuple[str, ...]
    title: str
    summary: str
    command: str = ""


def help_lines(
    live: Iterable[tuple[str, str, str, str]], actions: Mapping[str, Action], *, read_only: bool
) -> tuple[HelpLine, ...]:
    """Return what can be done here, section by section.

    Args:
        live: (name of the action or empty, key as it is written, title, summary) of each live binding.
        actions: every action by name.
        read_only: leave out everything that changes something.
    """
    keys: dict[str, list[str]] = {}
    others: dict[str, tuple[list[str], str]] = {}
    for name, key, title, summary in live:
        if name in actions:
            keys.setdefault(name, []).append(key)
        elif title:
            others.setdefault(title, ([], summary))[0].append(key)
    lines = [HelpLine(OTHER, tuple(found), title, summary) for title, (found, summary) in others.items()]
    for scope, heading in _TITLES.items():
        for action in actions.values():
            reachable = action.name in keys or bool(action.command)
            if action.scope != scope or not reachable or (read_only and action.danger != "none"):
                continue
            if action.name not in keys and scope != "app" and not _scope_is_live(scope, keys, actions):
                continue
            found = tuple(keys.get(action.name, ()))
            lines.append(HelpLine(heading, found, action.title, action.summary, action.command))
    return tuple(lines)


def _scope_is_live(scope: str, keys: Iterable[str], actions: Mapping[str, Action]) -> bool:
    return any(actions[name].scope == scope for name in keys)


class HelpScreen(ModalScreen[None]):
    """The help, over the screen it is about.

    Args:
        lines: what can be done.
        about: what the help is about, for its heading.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("help")
    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        #help {
            width: 90%;
            max-width: 110;
            height: auto;
            max-height: 90%;
            border: round $primary;
            border-title-color: $accent;
            background: $surface;
            padding: 0 1;
        }
        #help Static { width: 1fr; height: auto; }
    }
    """

    def __init__(self, lines: tuple[HelpLine, ...], about: str) -> None:
        super().__init__()
        self.lines = lines
        self._about = about

    def compose(self) -> ComposeResult:
        """Lay out the page."""
        with VerticalScroll(id="help") as page:
            page.border_title = Content(self._about)
            yield Static(help_content(self.lines), markup=False)

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)


def help_content(lines: tuple[HelpLine, ...]) -> Content:
    """Return the page.

    Args:
        lines: what can be done.
    """
    key_room = min(max((width(_keys(line)) for line in lines), default=0), 18)
    title_room = min(max((width(line.title) for line in lines), default=0), 16)
    parts: list[Content] = []
    section = ""
    for line in lines:
        if line.section != section:
            section = line.section
            parts.append(Content.styled(f"{chr(10) if parts else ''}{section}", "bold $accent"))
        command = f"  :{line.command}" if line.command and line.keys else ""
        parts.append(
            Content.assemble(
                (fit(_keys(line), key_room), "bold"),
                f"  {fit(line.title, title_room)}  ",
                (line.summary, "$text-muted"),
                (command, "$accent"),
            )
        )
    return Content("\n").join(parts)


def _keys(line: HelpLine) -> str:
    return " ".join(line.keys) or f":{line.command}"
