"""How the in-process broker shares partitions out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipcc.bus.memory_group import Member, assign_evenly
from ipcc.bus.port import Partition


class Deaf:
    """A listener that is never told."""

    async def on_assigned(self, partitions: frozenset[Partition]) -> None:
        raise AssertionError

    async def on_revoked(self, partitions: frozenset[Partition]) -> None:
        raise AssertionError


def member(name: str, before: frozenset[Partition] = frozenset()) -> Member:
    """Somebody in the group, with what it had."""
    return Member(name, ("t",), Deaf(), before=before)


@given(st.integers(1, 8), st.integers(0, 20), st.randoms(use_true_random=False))
def test_everything_is_given_once_and_evenly(members: int, partitions: int, chance: object) -> None:
    everyone = [member(str(n)) for n in range(members)]
    given_out = assign_evenly(everyone, [Partition("t", n) for n in range(partitions)])
    assert sorted(p for places in given_out.values() for p in places) == [Partition("t", n) for n in range(partitions)]
    sizes = [len(places) for places in given_out.values()]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 6), st.integers(1, 20))
def test_who_stays_keeps_what_evenness_allows(members: int, partitions: int) -> None:
    places = [Partition("t", n) for n in range(partitions)]
    everyone = [member(str(n)) for n in range(members)]
    first = assign_evenly(everyone, places)
    stayed = [member(m.name, frozenset(first[m.name])) for m in everyone]
    assert assign_evenly(stayed, places) == first
    joined = assign_evenly([*stayed, member("new")], places)
    for name, had in first.items():
        assert joined[name] <= had


def test_nobody_gets_a_topic_it_did_not_ask_for() -> None:
    other = Member("other", ("u",), Deaf())
    given_out = assign_evenly([member("a"), other], [Partition("t", 0), Partition("t", 1), Partition("u", 0)])
    assert given_out == {"a": {Partition("t", 0), Partition("t", 1)}, "other": {Partition("u", 0)}}
