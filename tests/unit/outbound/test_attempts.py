"""What the end of an attempt means, whether there is another, and which orders are taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.contracts.outbound import AttemptOutcome, OrderNotification
from ipcc.errors import Invalid
from ipcc.esl.headers import HangupCause
from services.outbound.core.attempts import (
    FINAL,
    RetryRule,
    check,
    dialable,
    next_attempt,
    outcome_of,
    outcome_of_playing,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULE = RetryRule(3, timedelta(minutes=5))


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [
        ("USER_BUSY", AttemptOutcome.BUSY),
        ("CALL_REJECTED", AttemptOutcome.REJECTED),
        ("NO_ANSWER", AttemptOutcome.NO_ANSWER),
        ("NO_USER_RESPONSE", AttemptOutcome.NO_ANSWER),
        ("ALLOTTED_TIMEOUT", AttemptOutcome.NO_ANSWER),
        ("ORIGINATOR_CANCEL", AttemptOutcome.NO_ANSWER),
        ("UNALLOCATED_NUMBER", AttemptOutcome.UNREACHABLE),
        ("USER_NOT_REGISTERED", AttemptOutcome.UNREACHABLE),
        ("INVALID_GATEWAY", AttemptOutcome.UNREACHABLE),
        ("NORMAL_TEMPORARY_FAILURE", AttemptOutcome.UNREACHABLE),
        ("", AttemptOutcome.UNREACHABLE),
    ],
)
def test_causes_of_the_recorded_table_are_outcomes(cause: str, outcome: AttemptOutcome) -> None:
    assert outcome_of(cause) is outcome


def test_no_cause_means_that_he_heard_it() -> None:
    found = {outcome_of(cause.name) for cause in HangupCause}
    assert not found & {AttemptOutcome.DELIVERED, AttemptOutcome.ANSWERED_NOT_DELIVERED, AttemptOutcome.UNKNOWN}
    assert outcome_of_playing(is_played=True) is AttemptOutcome.DELIVERED
    assert outcome_of_playing(is_played=False) is AttemptOutcome.ANSWERED_NOT_DELIVERED


@given(st.sampled_from(AttemptOutcome), st.integers(1, 20), st.integers(-600, 600) | st.none())
def test_nobody_is_dialled_more_often_than_the_rule_says_nor_too_late(
    outcome: AttemptOutcome, made: int, seconds_left: int | None
) -> None:
    not_after = None if seconds_left is None else NOW + timedelta(seconds=seconds_left)
    at = next_attempt(outcome, made, NOW, RULE, not_after)
    if at is None:
        assert outcome in FINAL or made >= 3 or (not_after is not None and NOW + RULE.after >= not_after)
    else:
        assert outcome not in FINAL
        assert made < 3
        assert at == NOW + RULE.after
        assert not_after is None or at < not_after


def test_an_attempt_nobody_knows_the_end_of_is_never_repeated() -> None:
    assert next_attempt(AttemptOutcome.UNKNOWN, 1, NOW, RULE, None) is None


@pytest.mark.parametrize("number", ["13800000001", "+8613800000001", "955"])
def test_numbers_are_dialled(number: str) -> None:
    assert dialable(number) == number


@pytest.mark.parametrize(
    "number",
    [
        "",
        "12",
        "13800000001\n",
        "138 0000 0001",
        "1" * 21,
        "+",
        "00 86",
        "1380000000a",
        "１３８００００",
        "1;2",
        "${x}",
    ],
)
def test_what_is_no_number_is_refused_without_being_repeated(number: str) -> None:
    with pytest.raises(Invalid) as caught:
        dialable(number)
    assert len(number) < 3 or number not in caught.value.message


def order(**given: Any) -> OrderNotification:
    known = {"notification_id": "n1", "phone_number": "13800000001", "prompts": ["hello"]}
    return OrderNotification.model_validate({**known, **given})


def test_a_plain_order_is_taken() -> None:
    check(order(prompts=["hello", "digits/7"], language="en", not_after=NOW + timedelta(seconds=1)), NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"notification_id": ""},
        {"notification_id": "a/b"},
        {"notification_id": "x" * 65},
        {"phone_number": "hello"},
        {"prompts": ["../../etc/passwd"]},
        {"prompts": ["/etc/passwd"]},
        {"prompts": ["a!b"]},
        {"prompts": ["http_cache://x"]},
        {"prompts": ["hello\n"]},
        {"prompts": ["hello"] * 51},
        {"language": "../zh"},
        {"not_after": NOW},
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        check(order(**wrong), NOW)
