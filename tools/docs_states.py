"""State diagrams: the agent's from acd's table of moves, the leg's found by telling the book of calls every fact in every state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ipcc.call.book import CallBook
from ipcc.call.model import Leg
from ipcc.contracts import call as told
from ipcc.contracts.tags import LegRole
from ipcc.ids import CallId, LegId, NodeId
from services.acd.core.moves import MOVES, Deny, Go, Stay
from services.ctiserver.core.control import LEGAL
from tools.docs_table import page, table


def pages() -> dict[str, str]:
    """states.md."""
    parts = [
        "## Agent",
        "From `services/acd/core/moves.py`. What is not in a table is a mistake of ours and changes nothing.",
        _diagram(_agent_moves(), "out"),
        "What changes nothing, and what is refused:",
        _agent_rows(),
        "## Leg",
        "The connection states of CSTA. A leg's state is worked out from what is known of it (`ipcc/call/model.py`); "
        "these are the changes that facts make.",
        _diagram(_leg_moves(), "initiated"),
        "What may be asked of a leg (`services/ctiserver/core/control.py`):",
        table(("verb", "when the leg is"), _verbs()),
    ]
    return {"states.md": page("States", *parts)}


def _diagram(moves: dict[tuple[str, str], set[str]], start: str) -> str:
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {start}"]
    lines += [f"    {old} --> {new}: {', '.join(sorted(why))}" for (old, new), why in sorted(moves.items())]
    return "\n".join([*lines, "```"])


def _agent_moves() -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for state, rows in MOVES.items():
        for given, row in rows.items():
            for target in row.to if isinstance(row, Go) else ():
                found.setdefault((state.value, target.value), set()).add(given.value)
    return found


def _agent_rows() -> str:
    rows = []
    for state, moves in MOVES.items():
        for given, row in moves.items():
            if isinstance(row, Stay):
                rows.append((f"`{state.value}`", f"`{given.value}`", "changes nothing", row.why))
            elif isinstance(row, Deny):
                rows.append((f"`{state.value}`", f"`{given.value}`", f"refused `{row.code}`", row.why))
    return table(("state", "input", "", "because"), rows)


def _verbs() -> list[tuple[str, str]]:
    return [(f"`{verb.value}`", ", ".join(sorted(state.value for state in states))) for verb, states in LEGAL.items()]


# --- the leg, by trying ----------------------------------------------------------------------------
_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_ONE, _OTHER, _CALL, _NODE = LegId("one"), LegId("other"), CallId("call"), NodeId("node")
_OF: dict[str, Any] = {"call_id": _CALL, "leg_id": _ONE, "node_id": _NODE}
_FACTS: dict[str, told.CallPayload] = {
    "ringing": told.LegRinging(**_OF),
    "answered": told.LegAnswered(**_OF),
    "bridged": told.LegsBridged(**_OF, other_leg_id=_OTHER),
    "unbridged": told.LegsUnbridged(**_OF, other_leg_id=_OTHER),
    "held": told.LegHeld(**_OF),
    "resumed": told.LegResumed(**_OF),
    "ended": told.LegEnded(**_OF, cause="NORMAL_CLEARING"),
}


def _leg_moves() -> dict[tuple[str, str], set[str]]:
    first = Leg(_ONE, _CALL, _NODE, LegRole.AGENT, _START)
    found: dict[tuple[str, str], set[str]] = {}
    seen: set[tuple[object, ...]] = set()
    waiting = [first]
    while waiting:
        leg = waiting.pop()
        if _shape(leg) in seen or not leg.is_live:
            continue
        seen.add(_shape(leg))
        for name, change in _changes().items():
            after = change(leg)
            waiting.append(after)
            if after.state is not leg.state:
                found.setdefault((leg.state.value, after.state.value), set()).add(name)
    return found


def _shape(leg: Leg) -> tuple[object, ...]:
    return leg.rang_at is None, leg.answered_at is None, leg.is_held, leg.is_parked, leg.bridged_to


def _changes() -> dict[str, Callable[[Leg], Leg]]:
    changes: dict[str, Callable[[Leg], Leg]] = {name: _telling(fact) for name, fact in _FACTS.items()}
    # parking is not told to others, but the ear knows of it
    changes["parked"] = lambda leg: replace(leg, is_parked=True)
    changes["unparked"] = lambda leg: replace(leg, is_parked=False)
    return changes


def _telling(fact: told.CallPayload) -> Callable[[Leg], Leg]:
    def tell(leg: Leg) -> Leg:
        book = CallBook()
        book.apply(told.CallArrived(**_OF, direction=told.Direction.INBOUND), _START)
        for each in (_ONE, _OTHER):
            start = told.LegStarted(call_id=_CALL, leg_id=each, node_id=_NODE, role=LegRole.AGENT)
            book.apply(start, _START)
        book.put(leg)
        book.apply(fact, _START + timedelta(seconds=1))
        after = book.leg(_ONE)
        if after is None:
            raise LookupError("the book forgot a live leg")
        return after

    return tell
