"""`k3k values`."""

from __future__ import annotations

from k3k_core.cli import complete, options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.option import option
from k3k_core.cli.output import to_json
from k3k_core.cli.session import Session
from k3k_core.cli.values_input import read_values
from k3k_core.errors import UsageError


@verb(
    "values",
    details="No host is contacted.",
    examples=(
        Example("Every value, its default and what it means", "k3k values --explain"),
        Example("A JSON Schema, for an editor", "k3k values --schema > values.schema.json"),
        Example("What a preset sets", "k3k values --preset ci"),
        Example("Check a file before it is used", "k3k values --check values.yaml"),
    ),
    common=(options.general_options,),
)
@option("--explain", is_flag=True, help="Print a reference of all values.")
@option("--schema", is_flag=True, help="Print the JSON Schema of a values file.")
@option(
    "--check",
    metavar="FILE",
    shell_complete=complete.files,
    help="Check a values file, `-` for standard input; all problems are told at once.",
)
@option(
    "--preset",
    metavar="NAME",
    shell_complete=complete.presets,
    help="Print a preset: ci, dev, tenant or edge; with --check, lay it under the file.",
)
def command(session: Session, explain: bool, schema: bool, check: str | None, preset: str | None) -> None:
    """Explain, check or print values."""
    asked = [explain, schema, check is not None or preset is not None]
    if sum(asked) != 1:
        raise UsageError(
            "One of --explain, --schema, --preset and --check is needed.",
            hint="`k3k values --help` shows examples.",
        )
    console = session.console
    if explain:
        from k3k_core.values import explain as explain_values

        console.data(explain_values())
    elif schema:
        from k3k_core.values import json_schema

        console.data(to_json(json_schema()))
    elif check is not None:
        read_values(session, file=check, preset=preset, assignments=())
        name = "standard input" if check == "-" else check
        console.note(f"{name}: these values can be used.", "good")
    elif preset is not None:
        from k3k_core.values import PRESETS, preset_text

        if preset not in PRESETS:
            raise UsageError(f"There is no preset {preset!r}.", hint=f"Presets: {', '.join(PRESETS)}.")
        console.data(preset_text(preset))
