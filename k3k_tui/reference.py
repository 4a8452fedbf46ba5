"""The parts of the documentation that say what the dashboard is: `python -m k3k_tui.reference` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from textual.keys import format_key

from k3k_tui.actions.action import Action, Scope
from k3k_tui.actions.keys import keymap, keymap_names, shipped_keymap, split_keys
from k3k_tui.actions.registry import ACTIONS
from k3k_tui.actions.typed import ALIASES
from k3k_tui.look.library import Library, shipped
from k3k_tui.view.columns import COLUMNS
from k3k_tui.widgets.help import TITLES

DOCS = Path(__file__).parents[1] / "docs"
_HEADINGS: Mapping[Scope, str] = {
    **TITLES,
    "form": "Forms",
    "dialog": "Dialogs",
    "command-line": "The `:` line",
    "help": "The help",
}
# Everywhere first, then what one sees first.
_ORDER: tuple[Scope, ...] = (
    "app",
    "targets",
    "fleet",
    "table",
    "control-plane",
    "logs",
    "hosts",
    "jobs",
    "form",
    "dialog",
    "command-line",
    "help",
)
_ABOUT_KEYS = """\
# Keys

`?` shows the keys of the place you are at, as they are in force. This page has all of them.

There are these keymaps (`:keymap NAME`, `k3k tui --keymap NAME`):

{keymaps}

A key stands for a name, and any can be changed in the configuration file; an empty text takes it away:

```yaml
tui:
  keymap: vim
  keys:
    app.jobs: f5
    control-plane.delete: [ctrl+x, delete]
    control-plane.k9s: ""
```

Keys are spelled like `x`, `X`, `?`, `f5`, `enter`, `pageup`, `ctrl+x`, `shift+left`. A key that would stand for two
things where both are at hand is refused: the dashboard says so and opens with the keymap's own. `enter` and `escape`
belong to whatever is nearest to the cursor.

What is marked ! changes something on a host, what is marked !! loses something for good; both ask first, and
`--read-only` leaves them out.
"""
_BLOCK = re.compile(r"(<!-- (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def keys_page() -> str:
    """Return docs/keys.md."""
    names = keymap_names()
    keymaps = "\n".join(f"- `{name}`: {shipped_keymap(name).title}" for name in names)
    parts = [_ABOUT_KEYS.format(keymaps=keymaps)]
    for scope in _ORDER:
        actions = [action for action in ACTIONS.values() if action.scope == scope]
        if actions:
            parts += [f"## {_HEADINGS[scope]}\n", _key_table(actions, names)]
    return "\n".join(parts)


def _key_table(actions: Iterable[Action], names: Sequence[str]) -> str:
    marks = {"none": "", "changes": " !", "destroys": " !!"}
    rows = (
        (
            *(_keys(keymap(name).get(action.name, "")) for name in names),
            f"`:{action.command}`" if action.command else "",
            f"{action.summary}{marks[action.danger]}",
            f"`{action.name}`",
        )
        for action in actions
    )
    return _table((*names, "command", "what it does", "name"), rows)


def _keys(spelled: str) -> str:
    return " ".join(f"`{_shown(key)}`" for key in split_keys(spelled))


def _shown(key: str) -> str:
    """Return a key as it can be written in the configuration file, as short as it can be."""
    *modifiers, last = key.split("+")
    character = format_key(last)
    short = character if len(character) == 1 and character.isascii() and not modifiers else last
    return "+".join([*modifiers, short])


def commands_table() -> str:
    """Return what can be typed on the `:` line."""
    others: dict[str, list[str]] = {}
    for alias, command in ALIASES.items():
        others.setdefault(command, []).append(f"`:{alias}`")
    rows = (
        (
            "`:" + " ".join([action.command, *(word.upper() for word in action.arguments)]) + "`",
            action.summary,
            " ".join(others.get(action.command, ())),
        )
        for action in ACTIONS.values()
        if action.command
    )
    return _table(("command", "what it does", "also"), [*rows, ("`:NAME`", "Go to a control plane.", "")])


def columns_table() -> str:
    """Return the columns of the fleet."""
    rows = ((f"`{column.name}`", column.title, f"{column.summary}.") for column in COLUMNS.values())
    return _table(("name", "heading", "what it shows"), rows)


def themes_table() -> str:
    """Return the shipped themes."""
    library = Library(folder=shipped())
    themes = ((name, library.theme(name)) for name in library.names)
    return _table(("name", "what it is"), ((f"`{name}`", theme.summary) for name, theme in themes))


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in lines)


_BLOCKS: Mapping[str, Callable[[], str]] = {
    "commands": commands_table,
    "columns": columns_table,
    "themes": themes_table,
}


def dashboard_page(text: str) -> str:
    """Return docs/dashboard.md with its tables written anew.

    Args:
        text: of the page.
    """
    return _BLOCK.sub(lambda found: f"{found[1]}\n{_BLOCKS[found['name']]()}\n{found[3]}", text)


def main() -> None:
    """Write both pages."""
    dashboard = DOCS / "dashboard.md"
    dashboard.write_text(dashboard_page(dashboard.read_text(encoding="utf-8")), encoding="utf-8")
    (DOCS / "keys.md").write_text(keys_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
