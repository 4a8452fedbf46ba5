"""`k3k describe`."""

from __future__ import annotations

from datetime import UTC, datetime

from k3k_core.cli import options
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import on_host
from k3k_core.cli.identity import identify
from k3k_core.cli.output import write_document
from k3k_core.cli.session import Session

FORMATS = ("table", "json", "yaml")


@verb(
    "describe",
    details="Values, addresses, servers, certificates with the days they have left, volumes, recent events. "
    "Secrets are not shown.",
    examples=(
        Example("For a person", "k3k describe ci -n team-a"),
        Example("For a script", "k3k describe team-a/ci -o json"),
    ),
    common=(options.output_option(*FORMATS), *options.host_options(), options.general_options),
    outputs=FORMATS,
)
@options.name_argument
def command(session: Session, name: str) -> None:
    """Describe a control plane."""
    from k3k_core.lifecycle.describe import describe

    identity = identify(session, name)
    now = datetime.now(UTC)
    description = on_host(session, lambda host: describe(host, identity, now=now))
    if session.settings.output == "table":
        from k3k_core.cli.description_output import description_text

        session.console.data(description_text(session.console.out, description))
    else:
        document = {"schema": "k3k.describe/v1", **description.to_dict()}
        write_document(session.console, document, session.settings.output)
