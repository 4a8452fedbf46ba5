"""The fields that say where a new control plane goes; its values cannot."""

from __future__ import annotations

from collections.abc import Sequence

from k3k_tui.forms.model.fields import HOST, NAME, NAMESPACE, PRESET, Field, Section

# More hosts than these are typed, not picked.
_MOST_CHOICES = 6


def target_section(hosts: Sequence[str]) -> Section:
    """Return the fields for name, place and preset.

    Args:
        hosts: names of the hosts.
    """
    from k3k_core.values import PRESETS

    few = 0 < len(hosts) <= _MOST_CHOICES
    return Section(
        "target",
        "",
        (
            Field(
                NAME,
                "Name",
                "Name of the control plane; it cannot be changed later.",
                "text",
                example="storefront",
            ),
            Field(
                NAMESPACE,
                "Namespace",
                "Namespace of the host it lives in; made when it does not exist.",
                "text",
                example="team-a",
            ),
            Field(
                HOST,
                "Host",
                "Cluster that runs it." if few else f"Cluster that runs it, one of {len(hosts)}.",
                "choice" if few else "text",
                choices=tuple(hosts) if few else (),
            ),
            Field(
                PRESET,
                "Preset",
                "Values that lie under yours. ci: small and short-lived; dev: for one team; tenant: fenced off, for "
                "somebody else; edge: nodes join from elsewhere.",
                "choice",
                default="",
                choices=("", *PRESETS),
            ),
        ),
    )
