"""`k3k list`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from k3k_core.cli import options, rules_input
from k3k_core.cli.asked_hosts import Answer, all_failed, ask_all, ask_until_one
from k3k_core.cli.command import Example, verb
from k3k_core.cli.connect import run
from k3k_core.cli.option import option
from k3k_core.cli.output import write_document
from k3k_core.cli.rows import control_plane_table
from k3k_core.cli.session import Session
from k3k_core.cli.terminal import escape
from k3k_core.errors import UsageError

if TYPE_CHECKING:
    from k3k_core.cli.signal_columns import Measured
    from k3k_core.discovery import ControlPlane
    from k3k_core.telemetry.rules import Rule

FORMATS = ("table", "wide", "json", "yaml", "name")


@verb(
    "list",
    details="All namespaces, unless -n names one. With several hosts they are asked at the same time; one "
    "that does not answer is told on standard error while the others are shown; the command fails only when "
    "none answers. Control planes made by Helm are listed too. `-o wide` and `--signals` also read the metrics of "
    "each control plane twice, which takes some seconds. `--watch` goes on until q or Ctrl-C: on a terminal a table "
    "that is redrawn, elsewhere and with `--plain` a sentence for each thing that changes, with -o json a document.",
    examples=(
        Example("On the current host", "k3k list"),
        Example("On two hosts, with signals", "k3k list --context prod --context stage -o wide"),
        Example("Everything there is, for a script", "k3k list --all-contexts -o json"),
        Example("What becomes of a team's, for a screen reader", "k3k list -l team=shop --watch --plain"),
    ),
    common=(
        options.output_option(*FORMATS),
        options.list_namespace_option,
        options.all_namespaces_option,
        *options.host_options(many=True, namespace=False),
        options.general_options,
    ),
    outputs=FORMATS,
    many_hosts=True,
)
@option(
    "--signals/--no-signals",
    default=None,
    help="Read metrics too, or do not (default: with -o wide).",
)
@rules_input.rules_option
@option("-l", "--selector", metavar="SELECTOR", help="Only those with these labels, as in `kubectl get -l`.")
@option("--watch", is_flag=True, help="Go on, until q or Ctrl-C; reads metrics unless --no-signals.")
@option("--plain", is_flag=True, help="Sentences instead of a table, for screen readers.")
def command(
    session: Session, signals: bool | None, rules: str | None, selector: str | None, watch: bool, plain: bool
) -> None:
    """List control planes."""
    output = session.settings.output
    wanted = watch or output == "wide" if signals is None else signals
    if rules is not None and not wanted:
        raise UsageError("--rules goes with -o wide or --signals.")
    if watch:
        _check_watch(output)
    if plain and output not in {"table", "wide"}:
        raise UsageError("--plain goes with no other format.", hint="Leave out -o.")
    keep = _selection(selector)
    read = rules_input.read_rules(rules) if wanted else ()
    if watch:
        _watch(session, keep, plain=plain, rules=read if wanted else None)
        return
    answers = [_chosen(answer, keep) for answer in _checked(run(ask_all(session)))]
    for answer in answers:
        if answer.error is not None:
            session.console.warn(f"host {answer.host}: {answer.error}")
    measured = _measure(session, answers, read) if wanted and output != "name" else None
    _show(session, answers, measured, plain=plain)


def _checked(answers: list[Answer]) -> list[Answer]:
    failed = all_failed(answers)
    if failed is not None:
        raise failed
    return answers


def _check_watch(output: str) -> None:
    from k3k_core.cli.list_watch import FORMATS as WATCHED

    if output not in WATCHED:
        raise UsageError(f"--watch does not write {output}.", hint=f"It takes -o {', '.join(WATCHED)}.")


def _selection(selector: str | None) -> Callable[[ControlPlane], bool]:
    if selector is None:
        return lambda _row: True
    from k3k_core.label_selector import parse_label_selector

    labels = parse_label_selector(selector)
    return lambda row: labels.matches(row.labels)


def _chosen(answer: Answer, keep: Callable[[ControlPlane], bool]) -> Answer:
    return replace(answer, rows=tuple(filter(keep, answer.rows)))


def _watch(
    session: Session, keep: Callable[[ControlPlane], bool], *, plain: bool, rules: tuple[Rule, ...] | None
) -> None:
    from k3k_core.cli.list_watch import Watch, watch

    answers = _checked(run(ask_until_one(session)))
    # Those that have not answered yet are taken to have about as many.
    size = max(len(answer.rows) for answer in answers) * len(answers)
    contexts = tuple(answer.context for answer in answers)
    run(watch(session, Watch(contexts, size, keep, plain, rules)))


def _measure(session: Session, answers: Sequence[Answer], rules: tuple[Rule, ...]) -> Measured:
    from k3k_core.cli.signal_columns import measure

    rows = [row for answer in answers for row in answer.rows]
    return measure(session, [answer.context for answer in answers if answer.rows], rows, rules=rules)


def _show(
    session: Session, answers: Sequence[Answer], measured: Measured | None, *, plain: bool = False
) -> None:
    console, output = session.console, session.settings.output
    rows = [row for answer in answers for row in answer.rows]
    if output == "name":
        console.data("\n".join(escape(f"{row.namespace}/{row.name}") for row in rows))
    elif output in {"json", "yaml"}:
        document = {
            "schema": "k3k.list/v1",
            "items": [_item(row, measured) for row in rows],
            "errors": [
                {"host": answer.host, "message": str(answer.error), "exitCode": answer.error.exit_code}
                for answer in answers
                if answer.error is not None
            ],
        }
        write_document(console, document, output)
    elif rows and plain:
        console.data("\n".join(_sentences(rows, measured)))
    elif rows:
        several = len(answers) > 1
        text = control_plane_table(
            console.out,
            rows,
            now=datetime.now(UTC),
            hosts=several,
            wide=output == "wide",
            measured=measured,
        )
        console.data(text)
    else:
        place = session.settings.namespace
        console.note(f"No control planes in namespace {place}." if place else "No control planes.")


def _sentences(rows: Sequence[ControlPlane], measured: Measured | None) -> Iterator[str]:
    from k3k_core.cli.narration import described

    for row in rows:
        found = (measured or {}).get((row.host, row.namespace, row.name))
        verdict, reason = (
            (row.verdict, row.reason) if found is None else (found.judgement.verdict, found.reason)
        )
        yield escape(described(row, verdict, reason))


def _item(row: ControlPlane, measured: Measured | None) -> dict[str, Any]:
    if measured is None:
        return row.to_dict()
    found = measured.get((row.host, row.namespace, row.name))
    return found.to_dict() if found is not None else {**row.to_dict(), "signals": None}
