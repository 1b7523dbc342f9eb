"""Why a contact went to whom it went, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ipcc.contracts.acd import (
    AcdPayload,
    EntryChanged,
    EntryEnded,
    EntryOutcome,
    EntryQueued,
    OfferAnswered,
    OfferEnded,
    OfferMade,
    OfferRinging,
    WaitForetold,
)
from services.acd.core.callback_words import callback_sentence
from services.acd.core.phrases import PHRASES, Language


def sentence(event: AcdPayload, language: Language = "en") -> str:
    """What happened; "" for an event that needs no words."""
    say = PHRASES[language]
    match event:
        case EntryQueued():
            return _queued(event, say)
        case EntryChanged():
            return _changed(event, say)
        case WaitForetold():
            return _foretold(event, say)
        case OfferMade():
            return say["offered"].format(agent=event.agent_id, because=because(event.why, language))
        case OfferRinging():
            return say["rang"].format(agent=event.agent_id)
        case OfferAnswered():
            return say["picked_up"].format(agent=event.agent_id)
        case OfferEnded() | EntryEnded():
            return _ended(event, say)
    return callback_sentence(event, say)


def _queued(event: EntryQueued, say: Mapping[str, str]) -> str:
    asks = _asks(event.skills, event.language, say)
    parts = [say["queued"].format(queue=event.queue_id, priority=event.priority, asks=asks)]
    if event.precedence:
        parts.append(say["precedence"].format(rule=event.precedence))
    if event.also:
        parts.append(say["also"].format(queues=", ".join(event.also)))
    if event.last_agent:
        parts.append(say["prefers_last"].format(agent=event.last_agent))
    elif event.preferred:
        parts.append(say["prefers"].format(agents=", ".join(event.preferred)))
    return " ".join(parts)


def _changed(event: EntryChanged, say: Mapping[str, str]) -> str:
    return say[f"changed.{event.reason}"].format(
        source=event.from_queue_id,
        queue=event.queue_id,
        priority=event.priority,
        step=event.step,
        by=say["by"].format(who=event.by) if event.by else "",
    )


def _foretold(event: WaitForetold, say: Mapping[str, str]) -> str:
    if event.low_s is None or event.high_s is None:
        return say["unforetold"].format(place=event.position)
    return say["foretold"].format(place=event.position, low=event.low_s, high=event.high_s, coverage=event.coverage)


def _ended(event: OfferEnded | EntryEnded, say: Mapping[str, str]) -> str:
    if isinstance(event, OfferEnded):
        return say[f"offer.{event.outcome}"].format(agent=event.agent_id, cause=event.cause_text or say["no_cause"])
    is_sent = event.outcome is EntryOutcome.OVERFLOWED and event.target
    how = say["entry.sent" if is_sent else f"entry.{event.outcome}"].format(agent=event.agent_id, target=event.target)
    return say["left"].format(wait=event.wait_ms / 1000, how=how)


def because(why: dict[str, Any], language: Language = "en") -> str:
    """The ``why`` of an offer as a sentence."""
    say = PHRASES[language]
    candidates = list(why.get("candidates", []))
    rule = why.get("rule", "longest_idle")
    if not candidates and rule != "pulled":
        return say["no_reason"]
    count = why.get("candidate_count", len(candidates))
    first = candidates[0] if candidates else {}
    by = say["by"].format(who=why["by"]) if why.get("by") else ""
    chosen = say[f"rule.{rule}"].format(**{"idle_s": 0, **first, "count": count, "by": by})
    parts = [chosen + _asks(why.get("skills", {}), "", say)]
    if first.get("tries"):
        parts.append(say["tried"])
    if "held" in first:
        parts.append(say["holds"].format(**first))
    if why.get("last_agent"):
        is_he = why["last_agent"] == first.get("agent_id")
        parts.append(say["last.he" if is_he else "last.other"].format(agent=why["last_agent"]))
    parts += _declared(why, say)
    others = why.get("others", {})
    if others:
        named = ", ".join(f"{agent} ({reason})" for agent, reason in others.items())
        more = why.get("other_count", len(others)) - len(others)
        parts.append(say["others"].format(named=named) + (say["more"].format(count=more) if more > 0 else ""))
    return say["comma"].join(parts) + say["stop"]


def _declared(why: dict[str, Any], say: Mapping[str, str]) -> list[str]:
    """The rules by which the order of the queue was bent."""
    parts = []
    if why.get("relaxations"):
        parts.append(say["relaxations"].format(count=why["relaxations"]))
    if why.get("ageing_s"):
        parts.append(say["aged"].format(seconds=why["ageing_s"]))
    if why.get("share"):
        parts.append(say["shared"].format(share=why["share"]))
    inverted = why.get("inverted_by", {})
    if inverted:
        reasons = (say[f"inverted.{reason}"].format(count=count) for reason, count in sorted(inverted.items()))
        parts.append(say["inverted"].format(reasons=", ".join(reasons)))
    elif why.get("passed_over"):
        # offers made before the reasons were kept apart
        parts.append(say["passed_over"].format(count=why["passed_over"]))
    return parts


def _asks(skills: dict[str, int], language: str, say: Mapping[str, str]) -> str:
    asked: Iterable[str] = [f"{skill} {level}" for skill, level in skills.items()]
    words = ", ".join([*asked, *([say["language"].format(language=language)] if language else [])])
    return say["asks"].format(what=words) if words else ""
