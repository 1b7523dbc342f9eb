"""Taking a document over changes what it must and leaves the rest alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.config import Skill
from services.admin.core.changes import Change, InForce, Origin, apply, plan_import
from services.admin.core.rules import Key, Object

NAMES = st.sampled_from(["a", "b", "c", "d"])
CURRENT = st.dictionaries(NAMES, st.tuples(st.integers(1, 3), st.sampled_from(["file", "rest"])))
WANTED = st.dictionaries(NAMES, st.integers(1, 3))


def skill(name: str, value: int) -> Skill:
    return Skill(id=name, name=f"{name} {value}")


def in_force(current: dict[str, tuple[int, Origin]]) -> dict[Key, InForce]:
    return {("skill", n): InForce(skill(n, value), 1, origin) for n, (value, origin) in current.items()}


@given(CURRENT, WANTED)
def test_afterwards_everything_in_the_document_is_in_force(
    current: dict[str, tuple[int, Origin]], wanted: dict[str, int]
) -> None:
    before = in_force(current)
    document: dict[Key, Object] = {("skill", name): skill(name, value) for name, value in wanted.items()}
    changes = plan_import(before, document)
    after = apply(before, changes)
    assert {key: after[key] for key in document} == document
    kept = {key for key, one in before.items() if one.origin == "rest"}
    assert set(after) == set(document) | kept
    unchanged = {key for key, one in before.items() if document.get(key) == one.subject}
    assert not unchanged & {change.key for change in changes}


def test_taking_over_the_same_document_again_changes_nothing() -> None:
    document: dict[Key, Object] = {("skill", "a"): skill("a", 1)}
    assert plan_import({key: InForce(one, 4, "file") for key, one in document.items()}, document) == []


def test_what_is_gone_from_the_document_is_removed() -> None:
    before = in_force({"a": (1, "file"), "b": (1, "rest")})
    assert plan_import(before, {}) == [Change(("skill", "a"), None)]
