"""The help: what the keys do for whatever has the cursor, from the bindings that are live."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from k3k_tui.actions.action import Action, Scope
from k3k_tui.actions.registry import bindings
from k3k_tui.text import fit, width

# Headings of the scopes, those nearest to the cursor first.
TITLES: Mapping[Scope, str] = {
    "logs": "Logs",
    "fleet": "Fleet",
    "control-plane": "Control plane",
    "jobs": "Jobs",
    "hosts": "Hosts",
    "form": "Form",
    "targets": "Things to do with control planes",
    "table": "Table",
    "app": "Everywhere",
}
OTHER = "Also"


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
    near = {actions[name].scope for name in keys}
    lines: list[HelpLine] = []
    for scope, heading in TITLES.items():
        for action in actions.values():
            found = tuple(keys.get(action.name, ()))
            # Without a key there is still the command, where its screen is open.
            reachable = bool(found) or (bool(action.command) and scope in near)
            if action.scope == scope and reachable and not (read_only and action.danger != "none"):
                lines.append(HelpLine(heading, found, action.title, action.summary, action.command))
    lines += [HelpLine(OTHER, tuple(found), title, summary) for title, (found, summary) in others.items()]
    return tuple(lines)


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
            width: 100%;
            max-width: 112;
            height: auto;
            max-height: 100%;
            border: round $primary;
            border-title-color: $accent;
            border-subtitle-color: $text-muted;
            background: $surface;
            padding: 0 1;
            scrollbar-size-vertical: 1;
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
            page.border_title = Content(f" {self._about} ")
            page.border_subtitle = Content(" esc closes, up and down scroll ")
            yield Static(markup=False)

    def on_resize(self) -> None:
        """Break the lines where the page ends."""
        room = min(self.size.width, 112) - 5
        self.query_one(Static).update(help_content(self.lines, room))

    def action_close(self) -> None:
        """Close the help."""
        self.dismiss(None)


def help_content(lines: tuple[HelpLine, ...], room: int) -> Content:
    """Return the page.

    Args:
        lines: what can be done.
        room: cells of a line.
    """
    key_room = min(max((width(_keys(line)) for line in lines), default=0), 16)
    title_room = min(max((width(line.title) for line in lines), default=0), 15)
    indent = key_room + title_room + 4
    parts: list[Content] = []
    section = ""
    for line in lines:
        if line.section != section:
            section = line.section
            parts += [Content("")] if parts else []
            parts.append(Content.styled(section, "bold $accent"))
        command = f" :{line.command}" if line.command and line.keys else ""
        first, *others = wrap(line.summary + command, max(room - indent, 20)) or [""]
        parts.append(
            Content.assemble(
                (fit(_keys(line), key_room), "bold"),
                f"  {fit(line.title, title_room)}  ",
                (first, "$text-muted"),
            )
        )
        parts += [Content.styled(" " * indent + other, "$text-muted") for other in others]
    return Content("\n").join(parts)


def _keys(line: HelpLine) -> str:
    return " ".join(line.keys) or f":{line.command}"
