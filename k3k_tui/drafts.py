"""Drafts: what somebody has filled in and not yet sent; it outlives the screen it was filled in on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k3k_core.fleet import FleetKey


@dataclass(frozen=True, slots=True)
class Draft:
    """A control plane as somebody has filled it in so far; nothing of it need be right.

    Attributes:
        host: name of the host.
        namespace: namespace there.
        name: of the control plane.
        preset: name of the preset that lies under the values; empty for none.
        text: the values as YAML, without their secrets; comments in it are kept.
        secrets: secrets by their written path, such as "k3s.token".
    """

    host: str = ""
    namespace: str = ""
    name: str = ""
    preset: str = ""
    text: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class Drafts:
    """The drafts of one dashboard.

    Attributes:
        create: of the next control plane; None when there is none.
        edits: new values of control planes that exist.
    """

    create: Draft | None = None
    edits: dict[FleetKey, Draft] = field(default_factory=dict)
