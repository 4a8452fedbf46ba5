"""`k3k rotate tokens`, `certificates` and `ca`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from k3k_core.cli import bulk, options
from k3k_core.cli.catalog import VERBS
from k3k_core.cli.changing import Change, change_one, change_one_or_many
from k3k_core.cli.command import Example, VerbCommand, help_text
from k3k_core.cli.durations import format_elapsed
from k3k_core.cli.group import Group
from k3k_core.cli.identity import identify
from k3k_core.cli.option import CONTEXT_SETTINGS, option
from k3k_core.cli.planned import plan_options
from k3k_core.cli.session import Session

if TYPE_CHECKING:
    from k3k_core.host import HostApi
    from k3k_core.lifecycle.plan import Plan
    from k3k_core.lifecycle.progress import Progress
    from k3k_core.lifecycle.rotating import Rotated
    from k3k_core.names import ControlPlaneId

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


def _verb(
    name: str, summary: str, details: str, *examples: Example, many: bool = False
) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function one of the verbs, with the options all of them have."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        function = bulk.bulk_options(function) if many else function
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
        )((bulk.optional_name_argument if many else options.name_argument)(function))

    return decorate


@_verb(
    "tokens",
    "Exchange the tokens of a control plane.",
    "That is the server token, the agent token, and those of probes and metrics scrapers; --only names some of them. "
    "k3s encrypts its datastore's bootstrap data with the server token, and is told before anything restarts. Agents "
    "that have joined go on.",
    Example("All of them", "k3k rotate tokens ci -n team-a"),
    Example("The one that agents join with", "k3k rotate tokens ci -n team-a --only agent"),
    Example("What would happen", "k3k rotate tokens ci -n team-a --dry-run"),
    Example("Those of a whole team", "k3k rotate tokens -l team=a -A --max-parallel 2 --yes"),
    many=True,
)
@option(
    "--only",
    multiple=True,
    type=click.Choice(_TOKENS),
    help="Only this one; may be repeated (default: all).",
)
def tokens(
    session: Session,
    name: str | None,
    only: tuple[str, ...],
    timeout: float,
    **chosen: Any,
) -> None:
    """Exchange tokens."""
    from k3k_core.lifecycle.rotate_tokens import plan_rotate_tokens, rotate_tokens

    what = only or _TOKENS
    change = _rotation(
        "tokens",
        "Exchange them?",
        lambda host, each: plan_rotate_tokens(host, each, what),
        lambda host, each, progress: rotate_tokens(host, each, what, progress, timeout=timeout),
    )
    _advise(session, change_one_or_many(session, change, name, **chosen))


@_verb(
    "certificates",
    "Make certificates anew, while the authorities stay.",
    "Those of the servers, of a dedicated etcd, and the admin kubeconfig; only when one ends within 120 days, or with "
    "--force. Kubeconfigs that were handed out go on until their own end.",
    Example("When it is time", "k3k rotate certificates ci -n team-a"),
    Example("Now", "k3k rotate certificates ci -n team-a --force"),
    Example("Whether it is time", "k3k rotate certificates ci -n team-a --dry-run"),
    Example("Wherever it is time", "k3k rotate certificates -l team=a -A --yes"),
    many=True,
)
@option("--force", is_flag=True, help="Also those that are good for more than 120 days.")
def certificates(
    session: Session,
    name: str | None,
    force: bool,
    timeout: float,
    **chosen: Any,
) -> None:
    """Make certificates anew."""
    from k3k_core.lifecycle.rotate_certificates import plan_rotate_certificates, rotate_certificates

    change = _rotation(
        "certificates",
        "Make them anew?",
        lambda host, each: plan_rotate_certificates(host, each, force=force),
        lambda host, each, progress: rotate_certificates(host, each, progress, force=force, timeout=timeout),
    )
    _advise(session, change_one_or_many(session, change, name, **chosen))


@_verb(
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

    change = _rotation(
        "ca",
        "Take the old ones away?" if finished else "Exchange them?",
        lambda host, each: plan_rotate_ca(host, each, finish=finished),
        lambda host, each, progress: rotate_ca(
            host, each, progress, finish_overlap=finished, timeout=timeout
        ),
    )
    _advise(session, change_one(session, change, identify(session, name), yes=yes, dry_run=dry_run))


def _rotation(
    what: str,
    question: str,
    plan: Callable[[HostApi, ControlPlaneId], Awaitable[Plan]],
    work: Callable[[HostApi, ControlPlaneId, Progress], Awaitable[Rotated]],
) -> Change[Rotated]:
    return Change(
        verb=f"rotate {what}",
        question=question,
        plan=plan,
        work=work,
        to_dict=_document,
        detail=_detail,
        sentence=_sentence,
        always_ask=True,
    )


def _document(rotated: Rotated) -> dict[str, Any]:
    return {
        "rotated": list(rotated.what),
        "changed": rotated.changed,
        "elapsedSeconds": round(rotated.elapsed, 3),
        "advice": list(rotated.advice),
    }


def _detail(rotated: Rotated) -> str:
    return f"exchanged {' and '.join(rotated.what)}" if rotated.changed else "nothing to do"


def _sentence(rotated: Rotated) -> str:
    took = format_elapsed(rotated.elapsed)
    return f"Control plane {rotated.id}: exchanged {' and '.join(rotated.what)}, ready after {took}"


def _advise(session: Session, rotated: Rotated | None) -> None:
    if rotated is not None and session.settings.output == "table":
        for sentence in rotated.advice:
            session.console.note(f"{sentence[:1].upper()}{sentence[1:]}.")
