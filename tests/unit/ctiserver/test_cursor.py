"""A cursor says what was seen whatever order two replicas read their partitions in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.ctiserver.core.cursor import Cursor

OFFSETS = st.lists(st.integers(0, 10**12), min_size=3, max_size=3).map(tuple)


@given(OFFSETS, st.integers(0, 2), st.integers(-1, 5))
def test_what_is_written_is_read_back(offsets: tuple[int, ...], place: int, index: int) -> None:
    cursor = Cursor(offsets, place, index)
    assert Cursor.parse(str(cursor), 3) == cursor


@given(st.text(max_size=40))
def test_anything_else_is_no_cursor_or_reads_back_the_same(text: str) -> None:
    cursor = Cursor.parse(text, 3)
    assert cursor is None or Cursor.parse(str(cursor), 3) == cursor


def test_a_cursor_of_another_width_or_place_is_refused() -> None:
    assert Cursor.parse("1-2.0.0", 3) is None
    assert Cursor.parse("1-2-3.3.0", 3) is None
    assert Cursor.parse("1-2-3.0", 3) is None
    assert Cursor.parse("1-2-٣.0.0", 3) is None


@given(st.lists(st.integers(0, 2), min_size=1, max_size=30), st.data())
def test_going_on_at_a_replica_that_read_in_another_order_gives_the_rest_once(
    places: list[int], data: st.DataObject
) -> None:
    records = [(place, places[:number].count(place)) for number, place in enumerate(places)]
    first = _stream(records)
    stop = data.draw(st.integers(0, len(first) - 1))
    seen = [name for name, _ in first[: stop + 1]]
    cursor = first[stop][1]
    shuffled = sorted(records, key=lambda record: (record[1], data.draw(st.integers(0, 9))))
    order = sorted(range(len(shuffled)), key=lambda n: (shuffled[n][1], n))
    second = _stream([shuffled[n] for n in order])
    rest = [name for name, at in second if not cursor.has_seen(at)]
    assert sorted(seen + rest) == sorted(name for name, _ in first)


def _stream(records: list[tuple[int, int]]) -> list[tuple[str, Cursor]]:
    """Two messages per record, each with its cursor."""
    offsets = [0, 0, 0]
    out = []
    for place, offset in records:
        offsets[place] = offset
        out += [(f"{place}/{offset}/{index}", Cursor(tuple(offsets), place, index)) for index in range(2)]
        offsets[place] = offset + 1
    return out
