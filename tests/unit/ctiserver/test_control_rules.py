"""Which verb is legal for whom, and what may be dialled, keyed and attached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ipcc.call.model import FlowStay, Leg
from ipcc.contracts.tags import LegRole
from ipcc.errors import Invalid, NotNow
from ipcc.ids import CallId, LegId, NodeId
from ipcc.logging import SECRET_KEYS
from services.ctiserver.core.control import (
    LEGAL,
    SUPERVISED,
    Standing,
    Verb,
    attachable,
    check_data,
    check_digits,
    check_legal,
    check_supervised,
    standing,
)

T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
INITIATED = Leg(LegId("a"), CallId("c"), NodeId("fs1"), LegRole.AGENT, T0)
ALONE = replace(INITIATED, answered_at=T0)
TALKING = replace(ALONE, bridged_to=LegId("c"))
CUSTOMER = replace(ALONE, leg_id=LegId("c"), role=LegRole.CUSTOMER)
WAITING = replace(CUSTOMER, is_waiting=True, waits_for=LegId("a"))
THIRD = replace(INITIATED, leg_id=LegId("d"), role=LegRole.CONSULT)
BY_STANDING: dict[Standing, tuple[Leg, Sequence[Leg], Leg | None]] = {
    Standing.INITIATED: (INITIATED, (), None),
    Standing.RINGING: (replace(INITIATED, rang_at=T0), (), None),
    Standing.ALONE: (ALONE, (), None),
    Standing.TALKING: (TALKING, (), None),
    Standing.HOLDING: (replace(TALKING, is_held=True), (), None),
    Standing.DIALLING: (replace(ALONE, consults=LegId("d")), (WAITING,), THIRD),
    Standing.CONSULTING: (replace(TALKING, bridged_to=LegId("d")), (WAITING,), THIRD),
    Standing.AWAITING_FLOW: (ALONE, (replace(WAITING, in_flow=FlowStay("s", "pin", T0)),), None),
    Standing.WAITED_FOR: (ALONE, (WAITING,), replace(THIRD, ended_at=T0)),
    Standing.CONFERRING: (replace(ALONE, room="c"), (), None),
    Standing.SUPERVISING: (replace(ALONE, supervises=LegId("b")), (), None),
    Standing.ENDED: (replace(TALKING, ended_at=T0), (), None),
}


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("expected", list(Standing))
def test_a_verb_is_refused_by_name_for_any_standing_but_those_of_the_table(verb: Verb, expected: Standing) -> None:
    leg, waiting, consult = BY_STANDING[expected]
    stands = standing(leg, waiting, consult)
    assert stands is expected
    if stands in LEGAL[verb]:
        check_legal(verb, leg, stands)
    else:
        with pytest.raises(NotNow) as refused:
            check_legal(verb, leg, stands)
        assert (refused.value.code, refused.value.details["standing"]) == ("leg.wrong_state", expected.value)


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.HANG_UP])
def test_a_customers_telephone_is_nobodys_to_control(verb: Verb) -> None:
    with pytest.raises(NotNow) as refused:
        check_legal(verb, CUSTOMER, Standing.TALKING)
    assert refused.value.code == "leg.wrong_role"
    check_legal(Verb.HANG_UP, CUSTOMER, Standing.TALKING)


@pytest.mark.parametrize("stands", list(Standing))
def test_only_where_somebody_talks_is_there_something_to_listen_to(stands: Standing) -> None:
    leg, _, _ = BY_STANDING[stands]
    if stands in SUPERVISED:
        check_supervised(leg, stands)
    else:
        with pytest.raises(NotNow):
            check_supervised(leg, stands)
    with pytest.raises(NotNow):
        check_supervised(CUSTOMER, stands)


def test_digits_are_keys_of_a_telephone_and_never_repeated_in_an_error() -> None:
    check_digits("123*#D")
    for wrong in ("", "12a", "1 2", "1\n2", "7" * 33):
        with pytest.raises(Invalid) as refused:
            check_digits(wrong)
        assert not wrong or wrong not in str(refused.value)


def test_attached_data_may_not_be_too_much_misnamed_or_secret() -> None:
    check_data({"case": "x"}, SECRET_KEYS)
    refused = [
        ({}, "data.size"),
        ({f"k{number}": "" for number in range(51)}, "data.size"),
        ({"Case": ""}, "data.key"),
        ({"card_no": ""}, "data.secret"),
        ({"a": "x" * 501}, "data.value"),
    ]
    for data, code in refused:
        with pytest.raises(Invalid) as error:
            check_data(data, SECRET_KEYS)
        assert error.value.code == code


def test_of_a_flows_results_only_what_is_named_well_and_no_secret_is_kept() -> None:
    results = {"verified": "yes", "pin": "1234", "Card No": "x", "long": "x" * 501}
    assert attachable(results, SECRET_KEYS) == {"verified": "yes"}
    assert len(attachable({f"k{number}": "" for number in range(60)}, SECRET_KEYS)) == 50
