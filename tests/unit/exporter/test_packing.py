"""Compressing a page in pieces, and the blocks whose pieces are kept."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k3k_core.exporter import catalogue
from k3k_core.exporter.blocks import Blocks
from k3k_core.exporter.packing import Packed, Packer, gzip_of
from k3k_core.telemetry.scraper.target import TargetId

METRICS = (catalogue.UP, catalogue.READY_SERVERS)


def key(index: int) -> TargetId:
    """One of many control planes."""
    return TargetId("prod", "team-a", f"cp-{index}")


def lines(text: str) -> dict[catalogue.Metric, bytes]:
    """Lines of a row that has both metrics."""
    return {metric: f"{metric.name} {text}\n".encode() for metric in METRICS}


def filled(count: int, size: int = 4) -> Blocks:
    """Blocks with some rows."""
    blocks = Blocks(METRICS, size)
    for index in range(count):
        blocks.put(key(index), lines(str(index)))
    return blocks


def plain(blocks: Blocks) -> bytes:
    """The lines as a page has them."""
    return b"".join(line for _, found in blocks.lines() for line in found)


def unpacked(blocks: Blocks) -> bytes:
    """The same, by way of compression."""
    return gzip.decompress(gzip_of(piece for _, pieces in blocks.packed() for piece in pieces))


@given(st.lists(st.binary(max_size=2_000), max_size=12))
def test_pieces_make_up_one_gzip_member_of_everything(pieces: list[bytes]) -> None:
    packer = Packer()
    packed = gzip_of([packer.pack(piece) for piece in pieces])
    with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
        # Its reader checks the length and the checksum.
        assert file.read() == b"".join(pieces)


def test_a_large_page_is_one_gzip_member_too() -> None:
    pieces = [bytes([index % 251]) * (100_000 + index) for index in range(50)]
    packed = gzip_of([Packer().pack(piece) for piece in pieces])
    assert gzip.decompress(packed) == b"".join(pieces)


def test_pieces_can_be_used_again_and_in_any_order() -> None:
    packer = Packer()
    one, two = packer.pack(b"one " * 100), packer.pack(b"two " * 100)
    assert gzip.decompress(gzip_of([two, one, two])) == b"two " * 100 + b"one " * 100 + b"two " * 100


def test_every_row_is_on_the_page_metric_by_metric() -> None:
    blocks = filled(10)
    assert [metric for metric, _ in blocks.lines()] == list(METRICS)
    assert plain(blocks).splitlines() == [
        f"{metric.name} {index}".encode() for metric in METRICS for index in range(10)
    ]
    assert unpacked(blocks) == plain(blocks)


def test_a_row_that_changes_is_there_once_as_it_is_now() -> None:
    blocks = filled(10)
    blocks.put(key(3), lines("changed"))
    page = plain(blocks).decode().splitlines()
    assert len(page) == 20
    assert page.count("k3k_control_plane_up changed") == 1
    assert "k3k_control_plane_up 3" not in page
    assert unpacked(blocks) == plain(blocks)


def test_a_row_without_a_metric_leaves_no_piece_of_it() -> None:
    blocks = Blocks(METRICS)
    blocks.put(key(0), {catalogue.UP: b"up 1\n"})
    assert [len(pieces) for _, pieces in blocks.packed()] == [1, 0]


def test_what_has_not_changed_is_not_compressed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = filled(40)
    assert unpacked(blocks)
    compressed: list[bytes] = []
    pack = Packer.pack

    def counting(packer: Packer, piece: bytes) -> Packed:
        compressed.append(piece)
        return pack(packer, piece)

    monkeypatch.setattr(Packer, "pack", counting)
    assert unpacked(blocks)
    assert not compressed
    blocks.put(key(0), lines("changed"))
    assert unpacked(blocks)
    # The block it left and the one it went to.
    assert len(compressed) == 2 * len(METRICS)


def test_a_fleet_that_changes_in_its_usual_order_needs_few_blocks_and_little_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks = filled(40)
    for round_number in range(5):
        for index in range(40):
            blocks.put(key(index), lines(f"{index} {round_number}"))
    pieces = [len(found) for _, found in blocks.packed()]
    assert pieces == [pieces[0], pieces[0]]
    assert pieces[0] <= 13


def test_rows_that_go_take_their_blocks_with_them() -> None:
    blocks = filled(40)
    for index in range(39):
        blocks.drop(key(index))
    blocks.drop(key(0))
    assert list(blocks) == [key(39)]
    assert blocks.of(key(39)) == lines("39")
    assert blocks.of(key(0)) == {}
    assert [len(pieces) for _, pieces in blocks.packed()] == [1, 1]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 15), st.integers(0, 99)), max_size=200))
def test_whatever_comes_and_goes_the_page_has_every_row_once(changes: list[tuple[bool, int, int]]) -> None:
    blocks, expected = Blocks(METRICS, 4), {}
    for comes, index, value in changes:
        if comes:
            blocks.put(key(index), lines(f"{index} {value}"))
            expected[key(index)] = lines(f"{index} {value}")
        else:
            blocks.drop(key(index))
            expected.pop(key(index), None)
    assert sorted(blocks) == sorted(expected)
    wanted = [line for each in expected.values() for line in each.values()]
    assert sorted(plain(blocks).splitlines(keepends=True)) == sorted(wanted)
    assert unpacked(blocks) == plain(blocks)
    assert max(len(found) for _, found in blocks.packed()) <= max(1, len(expected))
