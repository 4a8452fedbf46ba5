"""The small language of rules: arithmetic over signals, and nothing else."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.telemetry.expressions import ExpressionError, compile_expression
from k3k_core.telemetry.facts import Facts, gather, items_of
from k3k_core.telemetry.paths import FactScope
from k3k_core.telemetry.sentences import compile_sentence
from tests.support.judging import START, signals_with


def facts(**changes: Any) -> Facts:
    signals = signals_with({path.replace("__", "."): value for path, value in changes.items()}, START)
    return gather(signals, base="Healthy", base_reason="", at=START, reached_before=False)


def value(text: str, given_facts: Facts | None = None) -> float | None:
    return compile_expression(text, FactScope()).evaluate(given_facts or facts())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("10 - 2 - 3", 5.0),
        ("12 / 2 / 3", 2.0),
        ("-2 * -3", 6.0),
        ("1e3 + 0.5", 1000.5),
        ("min(3, 1, 2) + max(3, 1, 2)", 4.0),
        ("reach.ready", 3.0),
        ("api.by_scope.read.resource.p99", 0.02),
        ("datastore.compactions.success", 0.0),
        ("datastore.etcd.size_bytes / datastore.etcd.quota_bytes", 400 / 2048),
        ("datastore.etcd.has_leader", 1.0),
        ("sum(api.in_flight)", 1.0),
        ("count(controllers.queues)", 2.0),
        ("given(reach.error)", 0.0),
        ("given(datastore.etcd)", 1.0),
        ("given(datastore.kind)", 1.0),
        ("default(api.writes.p99, 5)", 0.02),
    ],
)
def test_expressions_are_worked_out(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected)


NUMBERS = st.floats(0.001, 1000).map(lambda number: round(number, 3))


@given(NUMBERS, NUMBERS, NUMBERS, st.sampled_from("+-*/"), st.sampled_from("+-*/"))
def test_operators_bind_as_in_arithmetic(a: float, b: float, c: float, first: str, second: str) -> None:
    apply: dict[str, Callable[[float, float], float]] = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": operator.truediv,
    }
    right_first = second in "*/" and first in "+-"
    expected = apply[first](a, apply[second](b, c)) if right_first else apply[second](apply[first](a, b), c)
    assert value(f"{a} {first} {b}{second}{c}") == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    [
        "api.writes.p99 + 1",
        "1 - api.writes.p99",
        "max(api.writes.p99, 3)",
        "1 / 0",
        "reach.ready / (reach.ready - 3)",
        "datastore.compactions.cancelled",
        "min(1, default(api.writes.p99, api.writes.p50))",
    ],
)
def test_what_is_not_available_makes_the_whole_unavailable(text: str) -> None:
    assert value(text, facts(api__writes=None)) is None


def test_default_stands_in_for_what_is_not_available() -> None:
    assert value("default(api.writes.p99, 5)", facts(api__writes=None)) == 5.0


def test_nan_stays_nan() -> None:
    assert math.isnan(value("api.error_ratio * 100", facts(api__error_ratio=math.nan)) or 0.0)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "ends where a value belongs"),
        ("1 +", "ends where a value belongs"),
        ("1 2", "does not go on at '2'"),
        ("(1", "ends where '\\)' belongs"),
        ("1 ** 2", "has no value before '\\*'"),
        ("__import__('os')", "does not belong there"),
        ("__import__(os)", "knows no function '__import__'"),
        ("api.__class__", "knows no signal 'api.__class__'"),
        ("api.requests.real", "goes on after a value that has no parts"),
        ("api", "is no number; it holds request_rate"),
        ("api.reads", "is no number"),
        ("datastore.kind", "is no number"),
        ("queue.depth", "knows no signal 'queue.depth'"),
        ("api.by_scope.read", "needs one more name"),
        ("api.by_scope.reads.resource.p99", "knows no signal"),
        ("sum(api.requests)", "is no collection"),
        ("count(1)", "takes one path"),
        ("1 > 2", "does not belong there at '> 2'"),
        ("lambda: 1", "does not belong there"),
        ("lambda", "knows no signal 'lambda'"),
        ("(" * 50 + "1" + ")" * 50, "nests deeper"),
        ("-" * 50 + "1", "nests deeper"),
        ("1+" * 400 + "1", "longer than"),
    ],
)
def test_what_is_no_expression_is_refused_with_a_reason(text: str, problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem):
        compile_expression(text, FactScope())


@given(st.text(alphabet="api.reads()+-*/,0123456789 minx_", max_size=40))
def test_any_text_is_an_expression_or_a_refusal(text: str) -> None:
    try:
        found = compile_expression(text, FactScope()).evaluate(facts())
    except ExpressionError:
        return
    assert found is None or isinstance(found, int | float)


def test_rules_that_look_at_things_one_by_one_read_the_thing() -> None:
    found = facts()
    for _, item in items_of("queue", found) or ():
        found.item = item
        assert (
            compile_expression("queue.depth + queue.wait.count", FactScope("queue")).evaluate(found) == 201.0
        )


def test_authorities_are_told_from_what_they_sign() -> None:
    page = {"certificates.1.name": "CN=k3s-client-ca@1712345678"}
    found = gather(signals_with(page, START), base="Healthy", base_reason="", at=START, reached_before=False)
    assert [subject for subject, _ in items_of("authority", found) or ()] == [
        "CN=k3s-client-ca@1712345678 on shop-k3k-server-0",
        "server-ca",
    ]
    assert [subject for subject, _ in items_of("certificate", found) or ()] == [
        "serving on shop-k3k-server-0"
    ]


# ---- sentences -----------------------------------------------------------------------------------------------


def sentence(template: str, **changes: Any) -> str:
    return compile_sentence(template, FactScope())(facts(**changes), 0.25, 1.0, "deployment", "seconds")


def test_placeholders_are_filled_with_units() -> None:
    text = sentence("{subject}: {value} of {threshold}, {datastore.size_bytes:bytes}, {reach.ready} ready.")
    assert text == "deployment: 250 ms of 1 s, 20 MiB, 3 ready."


def test_what_is_not_available_reads_unknown() -> None:
    assert sentence("Since {reach.error}.") == "Since unknown."


@pytest.mark.parametrize(
    "template", ["{", "{value!r}", "{api.nothing}", "{reach.ready:parsecs}", "{}", "{0}", "x" * 2000]
)
def test_broken_placeholders_are_refused(template: str) -> None:
    with pytest.raises(ExpressionError):
        compile_sentence(template, FactScope())
