"""Rings of figures: what a plain list would hold, in a fixed number of bytes."""

from __future__ import annotations

import math
import struct
import sys
import zlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.errors import K3kError
from k3k_core.telemetry.history import SERIES, SLOTS, STEP, History, How
from k3k_core.telemetry.judgement import Verdict
from tests.support.judging import START
from tests.support.measured import changed, healthy_signals

SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)
# Steps forwards mostly, backwards and by more than is kept sometimes, in slots.
# Rings grow by sixty slots.
SLOT_COUNTS = st.one_of(st.integers(1, 12), st.sampled_from((59, 60, 61, 130)))
ROUNDS = st.lists(
    st.tuples(st.one_of(st.integers(0, 3), st.integers(-8, 30)), st.one_of(st.none(), SINGLES)), max_size=60
)


class ListOfSlots:
    """What a history of one series should hold, done naively.

    Args:
        slots: how many are kept.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.values: dict[int, float] = {}
        self.head: int | None = None
        self.set_back = 0

    def fits(self, slot: int) -> bool:
        """Whether a slot lies among those that are kept, or soon after."""
        ahead = 0 if self.head is None else slot + self.set_back - self.head
        return -min(8, self.slots - 1) <= ahead < self.slots

    def record(self, slot: int, value: float | None) -> None:
        if self.head is not None and slot + self.set_back < self.head and not self.fits(slot):
            self.set_back = self.head + 1 - slot
        slot += self.set_back
        if self.head is None or slot - self.head >= self.slots:
            self.values, self.head = {}, slot
        self.head = max(self.head, slot)
        self.values = {place: kept for place, kept in self.values.items() if place > self.head - self.slots}
        if value is not None:
            self.values[slot] = value

    def series(self) -> list[float]:
        head = self.head or 0
        return [self.values.get(slot, math.nan) for slot in range(head - self.slots + 1, head + 1)]


def same(left: list[float], right: list[float]) -> bool:
    return array("d", left).tobytes() == array("d", right).tobytes()


def values_of(history: History, name: str = "cpu") -> list[float]:
    return [value if not math.isnan(value) else math.nan for value in history.series(name)]


@given(ROUNDS, SLOT_COUNTS, st.lists(st.floats(-0.4, 0.4), min_size=60, max_size=60))
def test_it_holds_what_a_list_of_slots_would(
    rounds: list[tuple[int, float | None]], slots: int, jitter: list[float]
) -> None:
    history, model = History(slots=slots), ListOfSlots(slots)
    slot = 0
    for number, (steps, value) in enumerate(rounds):
        slot += steps if number else 0
        # The first value sets where slots lie; later ones come a little early or late.
        late = jitter[number] * STEP if number and model.fits(slot) else 0.0
        history.record(START + slot * STEP + late, {"cpu": value})
        model.record(slot, value)
        assert same(values_of(history), model.series())


@given(ROUNDS, SLOT_COUNTS)
def test_bytes_bring_back_the_same(rounds: list[tuple[int, float | None]], slots: int) -> None:
    history = History(slots=slots)
    at = START
    for steps, value in rounds:
        at += steps * STEP
        history.record(at, {"cpu": value, "memory": value if steps % 2 else None})
    again = History.from_bytes(history.to_bytes())
    assert again.to_bytes() == history.to_bytes()
    assert again.end == history.end
    for name in SERIES:
        assert same(values_of(again, name), values_of(history, name))
    for one in (history, again):
        one.record(at + STEP, {"cpu": 1.0})
    assert again.to_bytes() == history.to_bytes()


def test_a_history_of_every_series_takes_at_most_64_kib() -> None:
    history = History()
    for number in range(SLOTS + 10):
        history.append(START + number * STEP, healthy_signals(START), "Healthy")
    assert set(SERIES) == {name for name in SERIES if history.last(name) is not None}
    assert len(history.to_bytes()) <= 64 * 1024
    assert len(SERIES) <= 16


def test_a_history_of_some_minutes_takes_a_tenth_of_that() -> None:
    history = History()
    for number in range(20):
        history.record(START + number * STEP, dict.fromkeys(SERIES, 1.0))
    restored = History.from_bytes(history.to_bytes())
    for each in (history, restored):
        rings = each._rings.values()
        assert sum(sys.getsizeof(ring) for ring in rings) < 6.4 * 1024
        assert [value for value in each.series("cpu") if not math.isnan(value)] == [1.0] * 20


def test_every_series_reads_its_signal() -> None:
    history = History()
    history.append(START, healthy_signals(START), "Degraded")
    read = {name: history.last(name) for name in SERIES}
    assert read == pytest.approx(
        {
            "read_p50": 0.004,
            "read_p99": 0.02,
            "write_p50": 0.004,
            "write_p99": 0.02,
            "request_rate": 20.0,
            "error_ratio": 0.0,
            "burn_1h": 0.0,
            "in_flight": 1.0,
            "datastore_p99": 0.01,
            "datastore_size": 20.0 * 2**20,
            "queue_depth": 1.0,
            "servers_ready": 3.0,
            "round_trip": 0.02,
            "memory": 1800.0 * 2**20,
            "cpu": 0.6,
            "verdict": 1.0,
        }
    )


def test_what_was_not_measured_is_a_gap_and_not_zero() -> None:
    history = History()
    history.append(START, None)
    history.append(
        START + STEP,
        changed(healthy_signals(START), {"api.in_flight": {}, "processes": (), "controllers.queues": ()}),
    )
    for name in ("in_flight", "memory", "cpu", "queue_depth", "verdict"):
        assert history.last(name) is None
        assert all(math.isnan(value) for value in history.series(name))
    assert history.last("request_rate") == 20.0


def test_the_size_of_our_etcd_stands_in_for_what_the_api_server_does_not_tell() -> None:
    history = History()
    history.append(START, changed(healthy_signals(START), {"datastore.size_bytes": None}))
    assert history.last("datastore_size") == 400.0 * 2**20


def test_verdicts_are_kept_as_codes_that_grow_with_trouble() -> None:
    history = History()
    verdicts: tuple[Verdict, ...] = (
        "Healthy",
        "Degraded",
        "Down",
        "Unknown",
        "Progressing",
        "Paused",
        "Expired",
    )
    for number, verdict in enumerate(verdicts):
        history.append(START + number * STEP, None, verdict)
    assert list(history.series("verdict"))[-7:] == [0.0, 1.0, 2.0, -1.0, -2.0, -3.0, -4.0]


@pytest.mark.parametrize("slots", [1, 4, SLOTS])
def test_after_a_clock_was_set_back_new_values_are_the_newest(slots: int) -> None:
    history = History(slots=slots)
    history.record(START, {"cpu": 1.0})
    history.record(START - 3600, {"cpu": 2.0})
    assert history.end == START - 3600
    assert history.last("cpu") == 2.0
    history.record(START - 3600 + STEP, {"cpu": 3.0})
    assert values_of(history)[-3:] == [1.0, 2.0, 3.0][-slots:]


def test_a_value_that_comes_a_little_late_is_put_where_it_belongs() -> None:
    history = History()
    for slot in (0, 1, 3, 2):
        history.record(START + slot * STEP, {"cpu": float(slot)})
    assert values_of(history)[-4:] == [0.0, 1.0, 2.0, 3.0]


def test_values_beyond_what_is_kept_of_a_number_stay_at_its_edge() -> None:
    history = History()
    history.record(START, {"memory": 1e300, "cpu": -math.inf})
    assert history.last("memory") == pytest.approx(3.4e38, rel=0.01)
    assert math.isfinite(history.last("cpu") or math.nan)


def test_unknown_names_and_times_are_errors_of_the_caller() -> None:
    history = History()
    with pytest.raises(KeyError):
        history.record(START, {"temperature": 1.0})
    with pytest.raises(KeyError):
        history.series("temperature")
    for at in (math.nan, math.inf, 1e30):
        with pytest.raises(ValueError, match="no time"):
            history.record(at, {"cpu": 1.0})
    with pytest.raises(ValueError, match="no history"):
        History(slots=0)


# ---- plots ---------------------------------------------------------------------------------------------------


def filled(values: list[float | None]) -> History:
    """A history whose newest slots hold these."""
    history = History(slots=12)
    for number, value in enumerate(values):
        history.record(START + number * STEP, {"cpu": value})
    return history


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("max", [3.0, 9.0, math.nan, 5.0]),
        ("min", [1.0, 7.0, math.nan, 5.0]),
        ("mean", [2.0, 8.0, math.nan, 5.0]),
        ("last", [3.0, 7.0, math.nan, 5.0]),
    ],
)
def test_columns_summarise_their_slots_and_leave_gaps_out(how: How, expected: list[float]) -> None:
    history = filled([1.0, 2.0, 3.0, 9.0, None, 7.0, None, None, None, None, 5.0, None])
    assert history.downsample("cpu", 4, how) == pytest.approx(expected, nan_ok=True)


def test_a_plot_may_look_back_less_and_end_later_than_the_newest_value() -> None:
    history = filled([float(number) for number in range(12)])
    assert history.downsample("cpu", 4, span=4 * STEP) == [8.0, 9.0, 10.0, 11.0]
    late = history.downsample("cpu", 4, span=4 * STEP, until=START + 13 * STEP)
    assert late == pytest.approx([10.0, 11.0, math.nan, math.nan], nan_ok=True)
    gone = history.downsample("cpu", 4, span=4 * STEP, until=START + 1e6)
    assert all(math.isnan(value) for value in gone)


def test_more_columns_than_slots_repeat_values() -> None:
    assert filled([1.0, 2.0]).downsample("cpu", 4, span=2 * STEP) == [1.0, 1.0, 2.0, 2.0]


def test_an_empty_history_plots_nothing() -> None:
    assert all(math.isnan(value) for value in History().downsample("cpu", 50))


@given(ROUNDS, st.integers(1, 30), st.sampled_from(["max", "min", "mean", "last"]))
def test_no_column_lies_outside_what_was_measured(
    rounds: list[tuple[int, float | None]], points: int, how: How
) -> None:
    history = History(slots=12)
    at = START
    for steps, value in rounds:
        at += steps * STEP
        history.record(at, {"cpu": value})
    present = [value for value in history.series("cpu") if not math.isnan(value)]
    drawn = [value for value in history.downsample("cpu", points, how) if not math.isnan(value)]
    assert bool(drawn) == bool(present)
    assert all(min(present) <= value <= max(present) for value in drawn)


@pytest.mark.parametrize(("points", "how"), [(0, "max"), (-1, "max"), (5, "median")])
def test_plots_that_cannot_be_drawn_are_refused(points: int, how: str) -> None:
    with pytest.raises(ValueError, match="is drawn"):
        History().downsample("cpu", points, how)  # type: ignore[arg-type]  # a wrong word is what is tested


# ---- bytes that are no history -------------------------------------------------------------------------------

SAVED = filled([1.0, 2.0]).to_bytes()


def sealed(body: bytes) -> bytes:
    return body + struct.pack("<I", zlib.crc32(body))


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(K3kError) as caught:
        History.from_bytes(data)
    assert caught.value.hint


@given(st.integers(0, len(SAVED) - 1), st.integers(1, 255))
def test_a_damaged_byte_is_noticed(place: int, flip: int) -> None:
    damaged = bytearray(SAVED)
    damaged[place] ^= flip
    with pytest.raises(K3kError):
        History.from_bytes(bytes(damaged))


@given(st.integers(0, len(SAVED)))
def test_a_cut_file_is_noticed(length: int) -> None:
    if length == len(SAVED):
        assert History.from_bytes(SAVED).last("cpu") == 2.0
        return
    with pytest.raises(K3kError):
        History.from_bytes(SAVED[:length])


@given(
    st.integers(0, 3),
    st.integers(0, 0xFFFF),
    st.one_of(st.integers(0, 0xFFFFFFFF), st.just(12)),
    st.floats(),
    st.floats(),
    st.integers(-(2**63), 2**63 - 1),
)
def test_a_forged_header_is_refused_or_harmless(
    version: int, count: int, slots: int, step: float, origin: float, head: int
) -> None:
    header = struct.pack("<4sHHIddq", b"k3kh", version, count, slots, step, origin, head)
    try:
        history = History.from_bytes(sealed(header + SAVED[len(header) : -4]))
    except K3kError:
        return
    history.record(START, {"cpu": 1.0})
    assert history.last("cpu") == 1.0 or (history.end or 0.0) > START


def test_a_later_version_is_refused_by_name() -> None:
    body = bytearray(SAVED[:-4])
    body[4] = 9
    with pytest.raises(K3kError, match="version is 9"):
        History.from_bytes(sealed(bytes(body)))


def test_series_of_another_version_are_left_out() -> None:
    renamed = sealed(SAVED[:-4].replace(b"cpu\0", b"gpu\0"))
    assert History.from_bytes(renamed).last("cpu") is None
