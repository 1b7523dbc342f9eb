"""Whether a call came out as it must, and whether everything adds up. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ipcc.cli.journeys import Expected, Journey

OUTCOMES = ("answered", "abandoned", "overflowed", "transferred")
# the recording runs from the agent's answer to the end of his leg; talk time is of the same leg
RECORDING_TOLERANCE_MS = 2000


@dataclass
class Result:
    """One call as the report knows it; ``problems`` is empty when it came out as it must."""

    call_id: str
    title: str
    path: list[str] = field(default_factory=list)
    bank: list[str] = field(default_factory=list)
    session: str = ""
    queue: str = ""
    stay: str = ""
    wait_ms: int | None = None
    offers: list[dict[str, Any]] = field(default_factory=list)
    agent: str = ""
    talk_ms: int | None = None
    recording: dict[str, Any] | None = None
    voicemail: str = ""
    """Who took the message he left, and what came of it."""
    report_row: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def is_settled(found: Mapping[str, Any], expected: Expected) -> bool:
    """Whether the report holds everything there will be of this call."""
    if not found.get("ended_at") or any(not s["ended_at"] for s in found["sessions"]) or not found["sessions"]:
        return False
    stays = found["stays"]
    if expected.stay and not stays:
        return False
    if any(not stay["outcome"] for stay in stays) or any(not offer["outcome"] for offer in found["offers"]):
        return False
    answered = [stay for stay in stays if stay["outcome"] == "answered"]
    return not answered or (bool(found["recordings"]) and all(stay["talk_ms"] is not None for stay in answered))


def judge(call_id: str, journey: Journey, found: Mapping[str, Any] | None) -> Result:
    """The call's row of the table, and what is wrong with it."""
    result = Result(call_id, journey.title)
    if found is None:
        result.problems.append("the report does not know this call")
        return result
    _read(result, found)
    expected = journey.expected
    _compare(result, "session", expected.session, result.session)
    _compare(result, "bank", [f"{o} {r}" for o, r in expected.bank], result.bank)
    _compare(result, "queue", expected.stay, result.stay)
    _compare(result, "offers", list(expected.offers), [o["outcome"] for o in result.offers])
    if journey.caller.name:
        _compare(result, "caller's name", journey.caller.name, str(found["caller_name"]))
    if expected.is_recorded:
        _check_recording(result)
    return result


def _read(result: Result, found: Mapping[str, Any]) -> None:
    for session in found["sessions"]:
        result.path += session["path"]
        result.bank += [f"{b['operation']} {b['outcome']}" for b in session["bank"]]
        result.session = session["outcome"]
    for stay in found["stays"]:
        result.queue, result.stay, result.wait_ms = stay["queue_id"], stay["outcome"], stay["wait_ms"]
        result.agent, result.talk_ms = stay["agent_id"], stay["talk_ms"]
    result.offers = [
        {"agent": o["agent_id"], "outcome": o["outcome"], "ring_ms": o["ring_ms"]} for o in found["offers"]
    ]
    for recording in found["recordings"]:
        result.recording = {
            "file": recording["location"],
            "duration_ms": recording["duration_ms"],
            "fault": recording["fault"],
        }
    hidden = ("legs", "sessions", "steps", "stays", "offers", "recordings", "voicemails", "faxes", "answers")
    result.report_row = {name: value for name, value in found.items() if name not in hidden}


def _compare(result: Result, what: str, wanted: object, got: object) -> None:
    if wanted != got:
        result.problems.append(f"{what}: {got!r}, expected {wanted!r}")


def _check_recording(result: Result) -> None:
    recording = result.recording
    if recording is None or recording["fault"] or not recording["duration_ms"]:
        result.problems.append(f"recording: {recording}")
    elif abs(recording["duration_ms"] - (result.talk_ms or 0)) > RECORDING_TOLERANCE_MS:
        result.problems.append(f"recording of {recording['duration_ms']} ms for {result.talk_ms} ms of talk")


@dataclass(frozen=True)
class Totals:
    """Invariant I6 as one witness tells it."""

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    overflowed: int = 0
    transferred: int = 0
    still_waiting: int = 0

    @property
    def adds_up(self) -> bool:
        """offered = answered + abandoned + overflowed + transferred + still waiting."""
        return self.offered == self.answered + self.abandoned + self.overflowed + self.transferred + self.still_waiting


def compare_totals(witnesses: Mapping[str, Totals]) -> list[str]:
    """What does not add up, or differs between the report, the board and the log."""
    problems = [
        f"the totals of the {name} do not add up: {asdict(t)}" for name, t in witnesses.items() if not t.adds_up
    ]
    if len(set(witnesses.values())) > 1:
        problems.append("totals differ: " + "; ".join(f"{name} {asdict(t)}" for name, t in witnesses.items()))
    return problems


def document(results: Sequence[Result], witnesses: Mapping[str, Totals], problems: Sequence[str]) -> dict[str, Any]:
    """What ``--json`` writes."""
    return {
        "calls": [{**asdict(result), "ok": not result.problems} for result in results],
        "totals": {name: {**asdict(t), "adds_up": t.adds_up} for name, t in witnesses.items()},
        "problems": list(problems),
        "ok": not problems and all(not result.problems for result in results),
    }
