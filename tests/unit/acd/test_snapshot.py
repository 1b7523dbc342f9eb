"""Snapshots cut in pieces and pasted together again."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.acd.core.snapshot import cut, from_dict, paste, to_dict
from tests.unit.acd.world import World

ROWS = st.lists(st.integers(), max_size=9)


@given(saved=st.fixed_dictionaries({"agents": ROWS, "entries": ROWS, "past": ROWS}), rows=st.integers(1, 30))
def test_whatever_is_cut_is_whole_again_and_no_piece_is_larger_than_told(saved: dict[str, Any], rows: int) -> None:
    pieces = cut({"format": 1, "epoch": 7, **saved}, rows)
    total = sum(len(found) for found in saved.values())
    assert len(pieces) == max(1, -(-total // rows))
    assert paste(pieces) == {"format": 1, "epoch": 7, **saved}
    assert all(sum(len(v) for v in piece.values() if isinstance(v, list)) <= rows for piece in pieces)


def test_a_domain_restored_from_pieces_decides_on() -> None:
    world = World()
    world.come("ann", "bob")
    for name in "123":
        world.call(name)
    saved = to_dict(world.state)
    restored = from_dict("default", paste(cut(saved, 2)), {"topic/0": 5})
    assert to_dict(restored) == saved
    assert restored.offsets == {"topic/0": 5}
    assert [e.id for e in restored.in_queue("service")] == ["entry-1", "entry-2", "entry-3"]
