"""`k3k rotate tokens`, `certificates` and `ca`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from k3k_core.cli import options
from k3k_core.cli.catalog import VERBS
from k3k_core.cli.command import Example, VerbCommand, help_text
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.group import Group
from k3k_core.cli.identity import identify
from k3k_core.cli.option import CONTEXT_SETTINGS, option
from k3k_core.cli.output import write_document
from k3k_core.cli.planned import agreed, carried_out, plan_options
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape

if TYPE_CHECKING:
    from k3k_core.lifecycle.rotating import Rotated

FORMATS = ("table", "json", "yaml", "name")
_TOKENS = ("server", "agent", "identities")


@click.group(
    "rotate",
    cls=Group,
    context_settings=dict(CONTEXT_SETTINGS),
    help=f"{VERBS['rotate'].summary}\n\nServers are started again one at a time. Run again after an interruption, the "
    "same command goes on where it stopped.",
)
def command() -> None:
    """Group the verbs."""


def _rotation(
    name: str, summary: str, details: str, *examples: Example
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function one of the verbs, with the options all of them have."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        timeout = option(
            "--timeout",
            type=options.Duration(),
            default=900.0,
            metavar="DURATION",
            help="Longest wait (default 15m).",
        )
        function = plan_options(timeout(function))
        for add in reversed(
            (options.output_option(*FORMATS), *options.host_options(), options.general_options)
        ):
            function = add(function)
        return command.command(
            name,
            cls=VerbCommand,
            short_help=summary,
            help=help_text(summary, details),
            examples=examples,
            outputs=FORMATS,
        )(options.name_argument(function))

    return decorate


@_rotation(
    "tokens",
    "Exchange the tokens of a control plane.",
    "That is the server token, the agent token, and those of probes and metrics scrapers; --only names some of them. "
    "k3s encrypts its datastore's bootstrap data with the server token, and is told before anything restarts. Agents "
    "that have joined go on.",
    Example("All of them", "k3k rotate tokens ci -n team-a"),
    Example("The one that agents join with", "k3k rotate tokens ci -n team-a --only agent"),
    Example("What would happen", "k3k rotate tokens ci -n team-a --dry-run"),
)
@option(
    "--only",
    multiple=True,
    type=click.Choice(_TOKENS),
    help="Only this one; may be repeated (default: all).",
)
def tokens(
    session: Session, name: str, only: tuple[str, ...], timeout: float, yes: bool, dry_run: bool
) -> None:
    """Exchange tokens."""
    from k3k_core.lifecycle.rotate_tokens import plan_rotate_tokens, rotate_tokens

    identity, what = identify(session, name), only or _TOKENS
    if agreed(
        session,
        lambda host: plan_rotate_tokens(host, identity, what),
        yes=yes,
        dry_run=dry_run,
        question="Exchange them?",
    ):
        _tell(
            session,
            carried_out(
                session, lambda host, progress: rotate_tokens(host, identity, what, progress, timeout=timeout)
            ),
            "tokens",
        )


@_rotation(
    "certificates",
    "Make certificates anew, while the authorities stay.",
    "Those of the servers, of a dedicated etcd, and the admin kubeconfig; only when one ends within 120 days, or with "
    "--force. Kubeconfigs that were handed out go on until their own end.",
    Example("When it is time", "k3k rotate certificates ci -n team-a"),
    Example("Now", "k3k rotate certificates ci -n team-a --force"),
    Example("Whether it is time", "k3k rotate certificates ci -n team-a --dry-run"),
)
@option("--force", is_flag=True, help="Also those that are good for more than 120 days.")
def certificates(session: Session, name: str, force: bool, timeout: float, yes: bool, dry_run: bool) -> None:
    """Make certificates anew."""
    from k3k_core.lifecycle.rotate_certificates import plan_rotate_certificates, rotate_certificates

    identity = identify(session, name)
    if agreed(
        session,
        lambda host: plan_rotate_certificates(host, identity, force=force),
        yes=yes,
        dry_run=dry_run,
        question="Make them anew?",
    ):
        _tell(
            session,
            carried_out(
                session,
                lambda host, progress: rotate_certificates(
                    host, identity, progress, force=force, timeout=timeout
                ),
            ),
            "certificates",
        )


@_rotation(
    "ca",
    "Exchange the certificate authorities, in two phases.",
    "First new authorities sign everything, and the old ones are still trusted, so that nothing stops: agents and "
    "users get new credentials meanwhile. --finish then takes the old ones away, and with them whatever they signed.",
    Example("Bring new authorities in", "k3k rotate ca ci -n team-a"),
    Example("Take the old ones away", "k3k rotate ca ci -n team-a --finish"),
    Example("What would happen", "k3k rotate ca ci -n team-a --dry-run"),
)
@option(
    "--finish", "finished", is_flag=True, help="The second phase: the old authorities are trusted no more."
)
def authorities(
    session: Session, name: str, finished: bool, timeout: float, yes: bool, dry_run: bool
) -> None:
    """Exchange authorities."""
    from k3k_core.lifecycle.rotate_ca import plan_rotate_ca, rotate_ca

    identity = identify(session, name)
    if agreed(
        session,
        lambda host: plan_rotate_ca(host, identity, finish=finished),
        yes=yes,
        dry_run=dry_run,
        question="Take the old ones away?" if finished else "Exchange them?",
    ):
        _tell(
            session,
            carried_out(
                session,
                lambda host, progress: rotate_ca(
                    host, identity, progress, finish_overlap=finished, timeout=timeout
                ),
            ),
            "ca",
        )


def _tell(session: Session, rotated: Rotated, what: str) -> None:
    console, output = session.console, session.settings.output
    if output == "name":
        console.data(str(rotated.id))
    elif output != "table":
        document = {
            "schema": f"k3k.rotate-{what}/v1",
            "namespace": rotated.id.namespace,
            "name": rotated.id.name,
            "rotated": list(rotated.what),
            "changed": rotated.changed,
            "elapsedSeconds": round(rotated.elapsed, 3),
            "advice": list(rotated.advice),
        }
        write_document(console, document, output)
    elif not console.quiet:
        took = format_elapsed(rotated.elapsed)
        console.data(
            escape(f"Control plane {rotated.id}: exchanged {' and '.join(rotated.what)}, ready after {took}")
        )
    if output == "table":
        for sentence in rotated.advice:
            console.note(f"{sentence[:1].upper()}{sentence[1:]}.")
