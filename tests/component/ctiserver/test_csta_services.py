"""CSTA III on the simulated switch: every service with the events ECMA-269 says come of it, in their order, at each device."""

from __future__ import annotations

import contextlib

from ipcc.auth.principal import Role
from ipcc.errors import SwitchRefused
from ipcc.ids import LegId
from ipcc.sim.people import Caller
from tests.component.ctiserver.csta_desk import CstaDesk, Message, csta_desk, part
from tests.component.ctiserver.floor import Floor

ARRIVE = ("Delivered", "Established")


async def talking(desk: CstaDesk, *others: str) -> None:
    """A customer talks to 1001, which is monitored, as ``others`` are."""
    for device in ("1001", *others):
        await desk.monitor(device)
    await desk.talk()
    await desk.until_at("1001", *ARRIVE)


async def consulting(desk: CstaDesk) -> str:
    """1001 talks to 1002 while the customer waits; the id of the call between them."""
    call = desk.customer
    answer = await desk.done(
        "ConsultationCall", part("existingCall", call, "1001"), "<consultedDevice>1002</consultedDevice>"
    )
    second, device = answer.connection("initiatedCall")
    assert second not in ("", call)
    assert device == "1001"
    held, originated, delivered, established = await desk.until_at(
        "1001", "Held", "Originated", "Delivered", "Established"
    )
    assert (held.connection("heldConnection"), held.text("cause")) == ((call, "1001"), "consultation")
    assert held.text("localConnectionInfo") == "hold"
    assert (originated.connection("originatedConnection"), originated.text("cause")) == (
        (second, "1001"),
        "consultation",
    )
    assert originated.text("calledDevice/deviceIdentifier") == "1002"
    assert delivered.connection("connection") == (second, "1002")
    assert (delivered.text("localConnectionInfo"), established.text("localConnectionInfo")) == (
        "connected",
        "connected",
    )
    assert established.text("callingDevice/deviceIdentifier") == "1001"
    return second


def check_transferred(transferred: Message, call: str, second: str) -> None:
    """What the one who transferred a consult is told."""
    assert transferred.order == [
        "monitorCrossRefID",
        "primaryOldCall",
        "secondaryOldCall",
        "transferringDevice",
        "transferredToDevice",
        "transferredConnections",
        "localConnectionInfo",
        "cause",
    ]
    assert transferred.connection("primaryOldCall") == (call, "1001")
    assert transferred.connection("secondaryOldCall") == (second, "1001")
    assert (transferred.text("transferredToDevice/deviceIdentifier"), transferred.text("cause")) == (
        "1002",
        "transfer",
    )
    item = "transferredConnections/connectionListItem"
    assert transferred.texts(f"{item}/newConnection/callID") == [call, call]
    assert sorted(
        zip(
            transferred.texts(f"{item}/oldConnection/callID"),
            transferred.texts(f"{item}/endpoint/deviceID"),
            strict=True,
        )
    ) == sorted([(call, "13800000001"), (second, "1002")])
    assert transferred.text("localConnectionInfo") == "null"


async def test_a_call_that_arrives_is_delivered_established_held_retrieved_and_cleared(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await desk.monitor("1001")
        await desk.talk()
        call = desk.customer
        delivered, established = await desk.until_at("1001", *ARRIVE)
        assert delivered.order == [
            "monitorCrossRefID",
            "connection",
            "alertingDevice",
            "callingDevice",
            "calledDevice",
            "lastRedirectionDevice",
            "localConnectionInfo",
            "cause",
        ]
        assert (delivered.connection("connection"), delivered.text("localConnectionInfo")) == (
            (call, "1001"),
            "alerting",
        )
        assert (delivered.text("callingDevice/deviceIdentifier"), delivered.text("calledDevice/deviceIdentifier")) == (
            "13800000001",
            "95500",
        )
        assert established.connection("establishedConnection") == (call, "1001")
        assert established.text("localConnectionInfo") == "connected"
        await desk.done("HoldCall", part("callToBeHeld", call, "1001"))
        (held,) = await desk.until_at("1001", "Held")
        assert (held.text("holdingDevice/deviceIdentifier"), held.text("localConnectionInfo")) == ("1001", "hold")
        await desk.done("RetrieveCall", part("callToBeRetrieved", call, "1001"))
        (retrieved,) = await desk.until_at("1001", "Retrieved")
        assert retrieved.connection("retrievedConnection") == (call, "1001")
        await desk.done("ClearConnection", part("connectionToBeCleared", call, "1001"))
        cleared, *_ = await desk.until_at("1001", "ConnectionCleared")
        assert (cleared.connection("droppedConnection"), cleared.text("localConnectionInfo")) == (
            (call, "1001"),
            "null",
        )


async def test_a_call_that_is_made_prompts_the_caller_first_and_then_is_originated(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await desk.monitor("1001")
        await desk.monitor("1002")
        made = await desk.done(
            "MakeCall",
            "<callingDevice>1001</callingDevice><calledDirectoryNumber>1002</calledDirectoryNumber>",
        )
        call, device = made.connection("callingDevice")
        assert device == "1001"
        initiated, originated, delivered, established = await desk.until_at(
            "1001", "ServiceInitiated", "Originated", "Delivered", "Established"
        )
        assert initiated.connection("initiatedConnection") == (call, "1001")
        assert (initiated.text("localConnectionInfo"), initiated.text("cause")) == ("initiated", "makeCall")
        assert originated.order == [
            "monitorCrossRefID",
            "originatedConnection",
            "callingDevice",
            "calledDevice",
            "localConnectionInfo",
            "cause",
        ]
        assert originated.text("calledDevice/deviceIdentifier") == "1002"
        assert delivered.connection("connection") == established.connection("establishedConnection") == (call, "1002")
        there = await desk.until_at("1002", *ARRIVE)
        assert [one.text("localConnectionInfo") for one in there] == ["alerting", "connected"]
        snapshot = await desk.done("SnapshotDevice", "<snapshotObject>1001</snapshotObject>")
        where = "crossRefIDorSnapshotData/snapshotData/snapshotDeviceResponseInfo"
        assert snapshot.connection(f"{where}/connectionIdentifier") == (call, "1001")
        assert snapshot.text(f"{where}/localCallState/compoundCallState/localConnectionState") == "connected"
        await desk.done("ClearCall", part("callToBeCleared", call, "1001"))
        cleared = {one.connection("droppedConnection") for one in await desk.until_at("1002", *["ConnectionCleared"])}
        assert cleared <= {(call, "1001"), (call, "1002")}
        await desk.is_empty()


async def test_a_device_that_is_busy_has_failed(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await desk.monitor("1001")
        made = await desk.done(
            "MakeCall",
            "<callingDevice>1001</callingDevice><calledDirectoryNumber>1004</calledDirectoryNumber>",
        )
        call, _ = made.connection("callingDevice")
        found = await desk.until_at(
            "1001", "ServiceInitiated", "Originated", "Delivered", "Failed", "ConnectionCleared", "ConnectionCleared"
        )
        failed = found[3]
        assert (failed.connection("failedConnection"), failed.text("cause")) == ((call, "1004"), "busy")
        assert [one.connection("droppedConnection") for one in found[4:]] == [(call, "1004"), (call, "1001")]
        await desk.is_empty()


async def test_a_consult_is_a_call_of_its_own_is_alternated_and_transferred(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await talking(desk, "1002")
        call, second = desk.customer, await consulting(desk)
        await desk.until_at("1002", *ARRIVE)
        snapshot = await desk.done("SnapshotDevice", "<snapshotObject>1001</snapshotObject>")
        where = "crossRefIDorSnapshotData/snapshotData/snapshotDeviceResponseInfo"
        states = zip(
            snapshot.texts(f"{where}/connectionIdentifier/callID"),
            snapshot.texts(f"{where}/localCallState/compoundCallState/localConnectionState"),
            strict=True,
        )
        assert dict(states) == {call: "hold", second: "connected"}
        pair = part("activeCall", second, "1001"), part("heldCall", call, "1001")
        await desk.done("AlternateCall", *pair)
        held, retrieved = await desk.until_at("1001", "Held", "Retrieved")
        assert (held.connection("heldConnection"), retrieved.connection("retrievedConnection")) == (
            (second, "1001"),
            (call, "1001"),
        )
        assert (held.text("cause"), retrieved.text("cause")) == ("alternate", "alternate")
        await desk.done("AlternateCall", part("activeCall", call, "1001"), part("heldCall", second, "1001"))
        held, retrieved = await desk.until_at("1001", "Held", "Retrieved")
        assert retrieved.connection("retrievedConnection") == (second, "1001")
        await desk.until_at("1002", "Held", "Retrieved")
        moved = await desk.done("TransferCall", *pair)
        assert moved.connection("transferredCall")[0] == call
        (transferred,) = await desk.until_at("1001", "Transfered")
        check_transferred(transferred, call, second)
        (there,) = await desk.until_at("1002", "Transfered")
        assert there.text("localConnectionInfo") == "connected"
        await desk.done("ClearConnection", part("connectionToBeCleared", call, "1002"))
        cleared = (await desk.until_at("1002", "ConnectionCleared"))[0]
        assert cleared.connection("droppedConnection") == (call, "1002")
        await desk.is_empty()
        assert desk.at("1001") == []


async def test_a_consult_is_given_up_and_the_held_call_is_back(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await talking(desk)
        call, second = desk.customer, await consulting(desk)
        await desk.done("ReconnectCall", part("activeCall", second, "1001"), part("heldCall", call, "1001"))
        found = await desk.until_at("1001", "ConnectionCleared", "ConnectionCleared", "Retrieved")
        assert [one.connection("droppedConnection") for one in found[:2]] == [(second, "1002"), (second, "1001")]
        assert found[2].connection("retrievedConnection") == (call, "1001")
        second = await consulting(desk)
        assert await desk.refused("ClearConnection", part("connectionToBeCleared", call, "1001")) == (
            "stateIncompatibility",
            "invalidObjectState",
        )
        await desk.done("ClearConnection", part("connectionToBeCleared", second, "1001"))
        await desk.until_at("1001", "ConnectionCleared", "ConnectionCleared")
        await desk.done("RetrieveCall", part("callToBeRetrieved", call, "1001"))
        (retrieved,) = await desk.until_at("1001", "Retrieved")
        assert retrieved.connection("retrievedConnection") == (call, "1001")


async def test_a_consult_becomes_a_conference(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await talking(desk, "1002")
        call, second = desk.customer, await consulting(desk)
        await desk.until_at("1002", *ARRIVE)
        joined = await desk.done("ConferenceCall", part("activeCall", second, "1001"), part("heldCall", call, "1001"))
        assert joined.connection("conferenceCall") == (call, "1001")
        (conferenced,) = await desk.until_at("1001", "Conferenced")
        assert conferenced.order == [
            "monitorCrossRefID",
            "primaryOldCall",
            "secondaryOldCall",
            "conferencingDevice",
            "addedParty",
            "conferenceConnections",
            "localConnectionInfo",
            "cause",
        ]
        assert (conferenced.connection("primaryOldCall"), conferenced.connection("secondaryOldCall")) == (
            (call, "1001"),
            (second, "1001"),
        )
        assert conferenced.text("addedParty/deviceIdentifier") == "1002"
        item = "conferenceConnections/connectionListItem"
        assert sorted(conferenced.texts(f"{item}/newConnection/deviceID")) == ["1001", "1002", "13800000001"]
        assert set(conferenced.texts(f"{item}/newConnection/callID")) == {call}
        (there,) = await desk.until_at("1002", "Conferenced")
        assert there.text("localConnectionInfo") == "connected"
        await desk.done("ClearConnection", part("connectionToBeCleared", call, "1002"))
        for device in ("1001", "1002"):
            (cleared,) = await desk.until_at(device, "ConnectionCleared")
            assert cleared.connection("droppedConnection") == (call, "1002")


async def test_a_call_is_transferred_in_a_single_step(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await talking(desk, "1002")
        call = desk.customer
        await desk.done(
            "SingleStepTransferCall", part("activeCall", call, "1001"), "<transferredTo>1002</transferredTo>"
        )
        (transferred,) = await desk.until_at("1001", "Transfered")
        assert (transferred.connection("primaryOldCall"), transferred.text("cause")) == (
            (call, "1001"),
            "singleStepTransfer",
        )
        assert transferred.text("transferredToDevice/deviceIdentifier") == "1002"
        assert transferred.text("localConnectionInfo") == "null"
        delivered, established = await desk.until_at("1002", *ARRIVE)
        assert delivered.connection("connection") == established.connection("establishedConnection") == (call, "1002")
        # a customer whose new party goes before they are joined meets the safety net, so the switch need not be empty here
        await desk.done("ClearConnection", part("connectionToBeCleared", call, "1002"))
        assert desk.at("1001") == []


async def test_digits_are_keyed_and_nothing_is_told_of_them(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await talking(desk)
        where = part("connectionToSendDigits", desk.customer, "1001")
        await desk.done("GenerateDigits", where, "<charactersToSend>12#</charactersToSend>")
        assert (await desk.refused("GenerateDigits", where, "<charactersToSend>1 2</charactersToSend>"))[0] == (
            "operation"
        )
        assert desk.at("1001") == []


async def test_an_offer_that_is_not_answered_is_diverted_while_the_caller_waits(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        await desk.monitor("1003")
        call = floor.switch.place_call(Caller("13800000001", "95500")) or ""
        await floor.hand.watch(LegId(call))
        await floor.hand.execute(LegId(call), "answer", timeout=5)
        await floor.until_waits(call)
        with contextlib.suppress(SwitchRefused):
            await floor.ring(
                call, "1003", "li", timeout_s=2
            )  # whole seconds of the clock: one may be over before it rings
        _, diverted = await desk.until_at("1003", "Delivered", "Diverted")
        assert diverted.order == [
            "monitorCrossRefID",
            "connection",
            "divertingDevice",
            "newDestination",
            "callingDevice",
            "calledDevice",
            "lastRedirectionDevice",
            "localConnectionInfo",
            "cause",
        ]
        assert (diverted.connection("connection"), diverted.text("localConnectionInfo")) == ((call, "1003"), "null")


async def test_what_is_asked_in_the_wrong_state_or_of_a_foreign_device_is_refused_and_nothing_is_told(
    floor: Floor,
) -> None:
    async with csta_desk(floor, "li", Role.AGENT) as desk:
        await talking(desk)
        mine, call = ("1001",), desk.customer
        wrong_state = ("stateIncompatibility", "invalidObjectState")
        for service, name in (
            ("AnswerCall", "callToBeAnswered"),
            ("RetrieveCall", "callToBeRetrieved"),
            ("AlternateCall", "activeCall"),
            ("ReconnectCall", "activeCall"),
            ("TransferCall", "activeCall"),
        ):
            assert await desk.refused(service, part(name, call, *mine)) == wrong_state
        foreign = ("operation", "privilegeViolationSpecifiedDevice")
        for service, name in (
            ("ClearConnection", "connectionToBeCleared"),
            ("ClearCall", "callToBeCleared"),
            ("HoldCall", "callToBeHeld"),
        ):
            assert await desk.refused(service, part(name, call, "13800000001")) == foreign
        assert await desk.refused(
            "MonitorStart", "<monitorObject><deviceObject>1002</deviceObject></monitorObject>"
        ) == (foreign)
        assert await desk.refused("SnapshotDevice", "<snapshotObject>1002</snapshotObject>") == foreign
        made = "<callingDevice>1002</callingDevice><calledDirectoryNumber>1003</calledDirectoryNumber>"
        assert await desk.refused("MakeCall", made) == ("operation", "invalidDeviceID")
        unknown = part("callToBeHeld", "no-such-call", "1001")
        assert await desk.refused("HoldCall", unknown) == ("operation", "invalidCallID")
        assert desk.at("1001") == []
        assert await floor.legs() == 2


async def test_a_monitor_that_is_stopped_tells_nothing_more(floor: Floor) -> None:
    async with csta_desk(floor) as desk:
        reference = await desk.monitor("1001")
        await desk.done("MonitorStop", f"<monitorCrossRefID>{reference}</monitorCrossRefID>")
        await desk.monitor("1002")
        await desk.talk()
        await desk.done("ClearCall", part("callToBeCleared", desk.customer, "1001"))
        await desk.is_empty()
        assert desk.events == []
