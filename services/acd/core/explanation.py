"""Why a contact went to whom it went, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ipcc.contracts.acd import (
    AcdPayload,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferAnswered,
    OfferEnded,
    OfferMade,
    OfferOutcome,
    OfferRinging,
)

_ENDS = {
    OfferOutcome.ANSWERED: "They were joined.",
    OfferOutcome.NO_ANSWER: "{agent} did not answer.",
    OfferOutcome.DECLINED: "{agent} declined.",
    OfferOutcome.BUSY: "{agent}'s phone was busy.",
    OfferOutcome.UNREGISTERED: "{agent}'s phone was not registered.",
    OfferOutcome.FAILED: "Ringing {agent} failed ({cause}).",
    OfferOutcome.CALLER_GONE: "The caller hung up while {agent}'s phone rang.",
    OfferOutcome.WITHDRAWN: "The offer was taken back ({cause}).",
}
_LAST = {
    EntryOutcome.ANSWERED: "answered by {agent}",
    EntryOutcome.ABANDONED: "the caller hung up",
    EntryOutcome.OVERFLOWED: "waited as long as the queue allows",
    EntryOutcome.TRANSFERRED: "sent elsewhere",
}


def sentence(event: AcdPayload) -> str:
    """What happened; "" for an event that needs no words."""
    match event:
        case EntryQueued():
            return f"Queued in {event.queue_id} with priority {event.priority}{_asks(event.skills, event.language)}."
        case OfferMade():
            return f"Offered to {event.agent_id}: {because(event.why)}"
        case OfferRinging():
            return f"The phone of {event.agent_id} rang."
        case OfferAnswered():
            return f"{event.agent_id} picked up."
        case OfferEnded():
            return _ENDS[event.outcome].format(agent=event.agent_id, cause=event.cause_text or "no cause given")
        case EntryEnded():
            words = _LAST[event.outcome].format(agent=event.agent_id)
            return f"Left the queue after {event.wait_ms / 1000:.1f} s: {words}."
    return ""


def because(why: dict[str, Any]) -> str:
    """The ``why`` of an offer as a sentence."""
    candidates = list(why.get("candidates", []))
    if not candidates:
        return "no reason was kept."
    count = why.get("candidate_count", len(candidates))
    first = candidates[0]
    parts = [f"idle for {first['idle_s']:.0f} s, longest of {count} who fit" + _asks(why.get("skills", {}), "")]
    if first.get("tries"):
        parts.append("all who fit had been tried")
    if why.get("passed_over"):
        parts.append(f"{why['passed_over']} ahead in the queue could not be served by anyone idle")
    others = why.get("others", {})
    if others:
        named = ", ".join(f"{agent} ({reason})" for agent, reason in others.items())
        more = why.get("other_count", len(others)) - len(others)
        parts.append(f"not {named}" + (f" and {more} more" if more > 0 else ""))
    return "; ".join(parts) + "."


def _asks(skills: dict[str, int], language: str) -> str:
    asked: Iterable[str] = [f"{skill} {level}" for skill, level in skills.items()]
    words = ", ".join([*asked, *([f"language {language}"] if language else [])])
    return f" (asks {words})" if words else ""
