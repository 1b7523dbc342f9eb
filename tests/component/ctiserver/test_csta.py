"""CSTA III over a WebSocket: services and events written from ECMA-323, edition 4."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
import websockets

from ipcc.auth.principal import Role
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import Desktop, office_of
from tests.component.ctiserver.test_control import joined
from tests.support.until import until

NAMESPACE = "http://www.ecma-international.org/standards/ecma-323/csta/ed4"
NS = {"c": NAMESPACE}


@dataclass
class Answer:
    """One message of the server."""

    invoke_id: str
    root: ElementTree.Element

    @property
    def name(self) -> str:
        return self.root.tag.rpartition("}")[2]

    def text(self, path: str) -> str:
        return self.root.findtext("/".join(f"c:{step}" for step in path.split("/")), "", NS)


async def hear(desktop: Desktop) -> Answer:
    async with asyncio.timeout(5):
        text = str(await desktop.socket.recv())
    return Answer(text[:4], ElementTree.fromstring(text[4:]))  # noqa: S314  what our own service wrote


async def ask(desktop: Desktop, body: str, invoke_id: str = "0001") -> Answer:
    """The response to a request; events that come before it are passed over."""
    name, _, rest = body.partition(">")
    await desktop.socket.send(f'{invoke_id}<?xml version="1.0" encoding="UTF-8"?><{name} xmlns="{NAMESPACE}">{rest}')
    while (answer := await hear(desktop)).invoke_id == "9999":
        pass
    return answer


async def until_event(desktop: Desktop, name: str) -> Answer:
    while (answer := await hear(desktop)).name != name:
        pass
    return answer


def connection(name: str, device: str = "1001") -> str:
    return f"<{name}><callID>c1</callID><deviceID>{device}</deviceID></{name}>"


async def test_a_monitored_phone_is_held_retrieved_and_cleared_with_the_events_of_the_standard(bench: Bench) -> None:
    async with office_of(bench) as office, office.desktop("li", path="/v1/csta") as csta:
        bench.node.register("1001")
        await _registered(bench)
        monitor = await ask(
            csta, "MonitorStart><monitorObject><deviceObject>1001</deviceObject></monitorObject></MonitorStart>"
        )
        assert (monitor.invoke_id, monitor.name, monitor.text("monitorCrossRefID")) == (
            "0001",
            "MonitorStartResponse",
            "1",
        )
        await joined(bench)
        delivered = await until_event(csta, "DeliveredEvent")
        assert delivered.invoke_id == "9999"
        assert delivered.text("monitorCrossRefID") == "1"
        assert (delivered.text("connection/callID"), delivered.text("connection/deviceID")) == ("c1", "1001")
        assert delivered.text("alertingDevice/deviceIdentifier") == "1001"
        established = await until_event(csta, "EstablishedEvent")
        assert established.text("callingDevice/deviceIdentifier") == "13800000001"
        held = await ask(csta, f"HoldCall>{connection('callToBeHeld')}</HoldCall>", "0002")
        assert (held.invoke_id, held.name) == ("0002", "HoldCallResponse")
        back = await ask(csta, f"RetrieveCall>{connection('callToBeRetrieved')}</RetrieveCall>", "0003")
        assert back.name == "RetrieveCallResponse"
        twice = await ask(csta, f"RetrieveCall>{connection('callToBeRetrieved')}</RetrieveCall>", "0004")
        assert (twice.name, twice.text("stateIncompatibility")) == ("CSTAErrorCode", "invalidObjectState")
        private = twice.root.find("c:extensions/c:privateData/c:private", NS)
        assert private is not None
        assert [(one.tag, one.text) for one in private] == [("{urn:ipcc:csta}code", "leg.wrong_state")]
        cleared = await ask(csta, f"ClearConnection>{connection('connectionToBeCleared')}</ClearConnection>", "0005")
        assert cleared.name == "ClearConnectionResponse"
        gone = await until_event(csta, "ConnectionClearedEvent")
        assert (gone.text("droppedConnection/deviceID"), gone.text("cause")) == ("1001", "normalClearing")
        stopped = await ask(csta, "MonitorStop><monitorCrossRefID>1</monitorCrossRefID></MonitorStop>", "0006")
        assert stopped.name == "MonitorStopResponse"
        again = await ask(csta, "MonitorStop><monitorCrossRefID>1</monitorCrossRefID></MonitorStop>", "0007")
        assert again.text("operation") == "invalidMonitorCrossRefID"


async def _registered(bench: Bench) -> None:
    async def is_told() -> bool:
        return ("1001", True, "registered") in await bench.phone_states()

    await until(is_told, what="phone 1001 is registered")


async def test_what_is_wrong_gets_the_errors_of_the_standard_and_does_nothing(bench: Bench) -> None:
    async with office_of(bench) as office, office.desktop("boss", path="/v1/csta", roles=(Role.SUPERVISOR,)) as csta:
        await joined(bench)
        commands = len(bench.node.commands)
        for body, where, value in (
            (f"HoldCall>{connection('callToBeHeld', '1999')}</HoldCall>", "operation", "invalidConnectionID"),
            ("HoldCall></HoldCall>", "operation", "invalidParameterValue"),
            ("EraseCall></EraseCall>", "operation", "serviceNotSupported"),
            (
                "MakeCall><callingDevice>1001</callingDevice><calledDirectoryNumber>13800000002{a=b}"
                "</calledDirectoryNumber></MakeCall>",
                "stateIncompatibility",
                "invalidObjectState",
            ),
        ):
            answer = await ask(csta, body)
            assert (answer.name, answer.text(where)) == ("CSTAErrorCode", value)
        assert [c for c in bench.node.commands[commands:] if "uuid" in c.render() and "dump" not in c.render()] == []


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "0001<a>",
        '0001<!DOCTYPE a [<!ENTITY x "y">]><HoldCall/>',
        '0001<HoldCall xmlns="urn:other"/>',
        "٠٠٠١<a/>",
        "0001<a>" + "x" * 20_000,
        '0001<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;&x;">]><HoldCall>&z;</HoldCall>',
        '0001<!DOCTYPE a SYSTEM "http://core.bank.example/a.dtd"><HoldCall/>',
        "0001<HoldCall>&unknown;</HoldCall>",
        '0001<?xml version="1.0" encoding="no-such-code"?><HoldCall/>',
        "001<HoldCall/>",
        "-001<HoldCall/>",
        "",
    ],
)
async def test_what_is_no_csta_is_refused_and_the_connection_goes_on(bench: Bench, text: str) -> None:
    async with office_of(bench) as office, office.desktop("li", path="/v1/csta") as csta:
        await csta.socket.send(text)
        assert (await hear(csta)).name == "CSTAErrorCode"
        assert (await ask(csta, "MonitorStop><monitorCrossRefID>9</monitorCrossRefID></MonitorStop>")).name


async def test_a_stranger_monitors_nobody_elses_phone(bench: Bench) -> None:
    async with office_of(bench) as office:
        bench.node.register("1001")
        await _registered(bench)
        async with office.desktop("han", path="/v1/csta") as csta:
            body = "MonitorStart><monitorObject><deviceObject>1001</deviceObject></monitorObject></MonitorStart>"
            assert (await ask(csta, body)).name == "CSTAErrorCode"
            await joined(bench)
            cleared = await ask(csta, f"ClearConnection>{connection('connectionToBeCleared')}</ClearConnection>")
            assert cleared.text("operation") == "privilegeViolationSpecifiedDevice"
        with pytest.raises((websockets.InvalidStatus, websockets.ConnectionClosed)):
            async with websockets.connect(office.url.replace("http", "ws") + "/v1/csta") as socket:
                await socket.recv()
