"""Registrations of several devices and nodes become one word per phone."""

from __future__ import annotations

from datetime import UTC, datetime

from ipcc.call.phones import PhoneFold
from ipcc.contracts.call import PhoneChanged
from ipcc.esl.meaning import PhoneExpired, PhoneMeaning, PhoneRegistered, PhoneUnregistered, RegistrationRow
from ipcc.ids import NodeId, PhoneId
from tests.unit.call.recordings import facts_of

FS1, FS2 = NodeId("fs1"), NodeId("fs2")
T0 = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def registered(user: str = "1001", device: str = "a") -> PhoneRegistered:
    return PhoneRegistered(T0, user, "bank.example", registration=device)


def left(user: str = "1001", device: str = "a") -> PhoneUnregistered:
    return PhoneUnregistered(T0, user, "bank.example", device)


def expired(user: str = "1001", device: str = "a") -> PhoneExpired:
    return PhoneExpired(T0, user, "bank.example", device)


def seen(user: str = "1001", device: str = "a") -> RegistrationRow:
    return RegistrationRow(user, "bank.example", registration=device)


def brief(changes: list[PhoneChanged]) -> list[tuple[str, bool, str, str]]:
    return [(change.phone_id, change.registered, change.node_id, change.reason) for change in changes]


def test_a_refresh_is_not_told_again() -> None:
    phones = PhoneFold()
    assert brief(phones.take(FS1, registered())) == [("1001", True, "fs1", "registered")]
    assert phones.take(FS1, registered()) == []
    assert brief(phones.take(FS1, left())) == [("1001", False, "", "unregistered")]
    assert phones.take(FS1, left()) == []


def test_a_phone_with_a_second_device_stays_when_the_first_expires() -> None:
    phones = PhoneFold()
    phones.take(FS1, registered(device="a"))
    phones.take(FS1, registered(device="b"))
    assert phones.take(FS1, expired(device="a")) == []
    assert brief(phones.take(FS1, expired(device="b"))) == [("1001", False, "", "expired")]


def test_a_phone_that_moves_to_another_node_is_rung_there() -> None:
    phones = PhoneFold()
    phones.take(FS1, registered(device="a"))
    assert brief(phones.take(FS2, registered(device="b"))) == [("1001", True, "fs2", "registered")]
    assert phones.take(FS1, expired(device="a")) == []


def test_after_a_restart_two_looks_find_who_came_and_who_went() -> None:
    phones = PhoneFold()
    for user in ("1001", "1002"):
        phones.apply(PhoneChanged(phone_id=user, registered=True, node_id="fs1"))
    rows = [seen("1002"), seen("1003")]
    assert phones.compare(FS1, rows) == []
    assert phones.has_doubts(FS1)
    assert brief(phones.compare(FS1, rows)) == [("1001", False, "", "resynced"), ("1003", True, "fs1", "resynced")]
    assert phones.compare(FS1, rows) == []
    assert not phones.has_doubts(FS1)
    # the devices behind what was told before are known now
    assert brief(phones.take(FS1, left("1002"))) == [("1002", False, "", "unregistered")]


def test_the_recorded_registrations_are_told_once_each() -> None:
    phones = PhoneFold()
    facts = [fact for fact in facts_of("02a-register-unregister") if isinstance(fact, PhoneMeaning)]
    out = [change for fact in facts for change in phones.take(FS1, fact)]
    by_phone: dict[str, list[bool]] = {}
    for change in out:
        by_phone.setdefault(change.phone_id, []).append(change.registered)
    assert by_phone["1001"] in ([True, False], [True])
    assert PhoneId("1001") in phones.told
