"""What the words of a command can be: names of control planes, namespaces, hosts, versions, themes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from k3k_core.cli.terminal import escape
from k3k_core.errors import K3kError
from k3k_tui.actions.action import Argument
from k3k_tui.actions.keys import keymap_names
from k3k_tui.naming import find as find_key
from k3k_tui.naming import shortest_names

if TYPE_CHECKING:
    from k3k_tui.services import Services


class Offers:
    """Names the values of arguments from what is known now.

    Args:
        services: the fleet and its hosts.
        themes: names the themes.
    """

    def __init__(self, services: Services, themes: Callable[[], Iterable[str]]) -> None:
        self._services = services
        self._by_kind: Mapping[Argument, Callable[[], Iterable[str]]] = {
            "control-plane": self.control_planes,
            "namespace": self._namespaces,
            "host": self._hosts,
            "system": self._systems,
            "theme": themes,
            "keymap": keymap_names,
            "column": _columns,
            "grouping": _groupings,
            "tab": _tabs,
        }

    def __call__(self, kind: Argument, words: tuple[str, ...] = ()) -> Iterable[str]:
        """Return the values of one kind of argument that can be typed; none for what can be anything.

        Args:
            kind: of the argument.
            words: those before it; of a filter, what is typed so far.
        """
        if kind == "filter":
            return self._filters(" ".join(words))
        find = self._by_kind.get(kind)
        values = self._versions(words) if kind == "version" else find() if find is not None else ()
        return (value for value in values if value == escape(value) and " " not in value)

    def control_planes(self) -> Iterable[str]:
        """Return the shortest name of every control plane, sorted."""
        return sorted(shortest_names(self._services.fleet.rows.keys()))

    def _namespaces(self) -> Iterable[str]:
        return sorted({key.namespace for key in self._services.fleet.rows})

    def _hosts(self) -> Iterable[str]:
        return sorted({*self._services.hosts, *self._services.fleet.hosts})

    def _systems(self) -> Iterable[str]:
        return sorted({row.control_plane.system for row in self._services.fleet.rows.values()})

    def _filters(self, typed: str) -> Iterable[str]:
        from k3k_tui.view.suggestions import suggest

        rows = self._services.fleet.rows.values()
        return tuple(found.text for found in suggest(typed, rows))

    def _versions(self, words: tuple[str, ...]) -> Iterable[str]:
        """Return the versions that the control plane that is named may be upgraded to, the newest first."""
        from k3k_core.releases import allowed_versions

        rows = self._services.fleet.rows
        try:
            current = rows[find_key(words[0] if words else "", rows.keys())].control_plane.version
            return allowed_versions(current)
        except K3kError:
            return ()


def _columns() -> Iterable[str]:
    from k3k_tui.view.columns import COLUMNS

    return tuple(COLUMNS)


def _groupings() -> Iterable[str]:
    from typing import get_args

    from k3k_tui.view.state import Grouping

    return tuple(each for each in get_args(Grouping) if each)


def _tabs() -> Iterable[str]:
    from k3k_tui.screens.control_plane.tabs import TAB_NAMES

    return TAB_NAMES
