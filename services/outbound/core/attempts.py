"""What the end of an attempt means, and whether and when there is another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from ipcc.contracts.outbound import AttemptOutcome, OrderNotification
from ipcc.errors import Invalid

# FreeSWITCH's names of the causes an originate ends with; the recorded table is in tests/traces
_BY_CAUSE = {
    "USER_BUSY": AttemptOutcome.BUSY,
    "CALL_REJECTED": AttemptOutcome.REJECTED,
    "NO_ANSWER": AttemptOutcome.NO_ANSWER,
    "NO_USER_RESPONSE": AttemptOutcome.NO_ANSWER,
    "ORIGINATOR_CANCEL": AttemptOutcome.NO_ANSWER,
    "ALLOTTED_TIMEOUT": AttemptOutcome.NO_ANSWER,
}
FINAL = frozenset({AttemptOutcome.DELIVERED, AttemptOutcome.REJECTED, AttemptOutcome.UNKNOWN})
_NUMBER = re.compile(r"\+?[0-9]{3,20}")
_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PROMPT = re.compile(r"([a-z]+/)?[a-z0-9][a-z0-9-]{0,63}")
LANGUAGES = frozenset({"zh", "en"})
MOST_PROMPTS = 50


@dataclass(frozen=True)
class RetryRule:
    """At most ``attempts``, each ``after`` the one before."""

    attempts: int
    after: timedelta


def dialable(number: str) -> str:
    """``number``, if it is one. Raises Invalid without repeating it."""
    if not _NUMBER.fullmatch(number):
        raise Invalid("outbound.number", "phone_number is not 3 to 20 digits, with or without a plus in front")
    return number


def check(order: OrderNotification, now: datetime) -> None:
    """Raises Invalid, naming the field, for an order that cannot be carried out: over the bus it comes unchecked."""
    dialable(order.phone_number)
    if not _ID.fullmatch(order.notification_id):
        raise Invalid("outbound.id", "notification_id is not 1 to 64 letters, digits, dots, dashes or underscores")
    if not 1 <= len(order.prompts) <= MOST_PROMPTS or not all(_PROMPT.fullmatch(prompt) for prompt in order.prompts):
        raise Invalid("outbound.prompts", f"prompts are not 1 to {MOST_PROMPTS} names of prompts")
    if order.language not in LANGUAGES:
        raise Invalid("outbound.language", f"language is none of {', '.join(sorted(LANGUAGES))}")
    if order.not_after is not None and order.not_after <= now:
        raise Invalid("outbound.too_late", "not_after is over")


def outcome_of(cause: str) -> AttemptOutcome:
    """What a failed originate means; what is not known is unreachable, and may be tried again."""
    return _BY_CAUSE.get(cause, AttemptOutcome.UNREACHABLE)


def outcome_of_playing(*, is_played: bool) -> AttemptOutcome:
    """What became of an answered call."""
    return AttemptOutcome.DELIVERED if is_played else AttemptOutcome.ANSWERED_NOT_DELIVERED


def next_attempt(
    outcome: AttemptOutcome, made: int, now: datetime, rule: RetryRule, not_after: datetime | None
) -> datetime | None:
    """When to dial again after ``made`` attempts; None when the notification is done.

    An attempt of which nobody knows how it ended is never repeated: the customer may have heard it.
    """
    if outcome in FINAL or made >= rule.attempts:
        return None
    at = now + rule.after
    return at if not_after is None or at < not_after else None
