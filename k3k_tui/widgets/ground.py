"""What widgets that draw their own lines draw them on."""

from __future__ import annotations

from rich.style import Style
from textual.widget import Widget


def ground(widget: Widget) -> Style:
    """Return the background of a widget; nothing where that is the terminal's own.

    Args:
        widget: mounted.
    """
    color = widget.rich_style.bgcolor
    return Style.null() if color is None or color.is_default else Style(bgcolor=color)
