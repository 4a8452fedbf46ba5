"""Actions of the forms; their keys work while something is being typed."""

from __future__ import annotations

from k3k_tui.actions.action import Action

ACTIONS = (
    Action(
        "form.next",
        "Next",
        "Go on: review what would be done, then do it.",
        "form",
        "screen.next",
        footer=True,
    ),
    Action(
        "form.back",
        "Back",
        "Go back a step, or close the form; it is kept.",
        "form",
        "screen.back",
        footer=True,
    ),
    Action(
        "form.yaml", "YAML", "Change between the fields and their YAML.", "form", "screen.yaml", footer=True
    ),
    Action(
        "form.editor", "Editor", "Write the YAML in $VISUAL or $EDITOR.", "form", "screen.editor", footer=True
    ),
    Action("form.save", "Save", "Save the values to a file.", "form", "screen.save", footer=True),
    Action("form.reset", "Start anew", "Forget what was filled in.", "form", "screen.reset"),
    Action("form.retry", "Try again", "Ask the host again, or do it again.", "form", "screen.retry"),
)
