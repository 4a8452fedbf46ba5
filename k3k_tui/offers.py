"""What the words of a command can be: names of control planes, namespaces, hosts, versions, themes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from k3k_core.cli.terminal import escape
from k3k_tui.actions.action import Argument
from k3k_tui.actions.keys import keymap_names
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
            "version": self._versions,
            "theme": themes,
            "keymap": keymap_names,
            "column": _columns,
            "grouping": _groupings,
            "tab": _tabs,
        }

    def __call__(self, kind: Argument) -> Iterable[str]:
        """Return the values of one kind of argument that can be typed; none for what can be anything.

        Args:
            kind: of the argument.
        """
        find = self._by_kind.get(kind)
        values = find() if find is not None else ()
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

    def _versions(self) -> Iterable[str]:
        found = {row.control_plane.version for row in self._services.fleet.rows.values()}
        return sorted((each for each in found if each), reverse=True)


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
