"""Calls on the simulated switch, steered over TCP from both sides: by a client, and by a socket server the switch calls."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from ipcc.sim.dialplan import parse_dialplan
from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.people import Caller, PhoneScript
from ipcc.sim.switch import SimSwitch
from tests.component.sim.raw_client import Client
from tests.support.until import until
from tests.traces import golden


class Pilot:
    """A socket server that takes one call."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[Client] = asyncio.Queue()
        self.server: asyncio.Server | None = None

    async def start(self) -> int:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self.server.sockets[0].getsockname()[1])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.calls.put(Client(reader, writer))

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()


@pytest.fixture
async def pilot() -> AsyncIterator[Pilot]:
    made = Pilot()
    yield made
    await made.close()


@pytest.fixture
async def switch(pilot: Pilot) -> AsyncIterator[SimSwitch]:
    port = await pilot.start()
    text = (golden.FOLDER / "dialplan.xml").read_text().replace("127.0.0.1:8084", f"127.0.0.1:{port}")
    made = SimSwitch(replace(golden.settings(), dialplan=parse_dialplan(text)))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(switch: SimSwitch) -> AsyncIterator[Client]:
    server = EslServer(switch, ServerSettings(password="x"))
    await server.start()
    made = Client(*await asyncio.open_connection(*server.address))
    await made.frame()
    await made.say("auth x")
    yield made
    await made.close()
    await server.close()


CALLER = Caller("13800000001", "9001", profile="external", context="golden")


async def test_a_waiting_caller_is_joined_to_an_agent(switch: SimSwitch, client: Client) -> None:
    switch.set_phone(PhoneScript("1001", answer_after_s=0.1))
    switch.register("1001")
    await client.say("event plain CHANNEL_PARK CHANNEL_BRIDGE CHANNEL_HANGUP_COMPLETE BACKGROUND_JOB")
    caller = switch.place_call(CALLER)
    await client.heard("CHANNEL_PARK")
    await client.say("bgapi originate {origination_uuid=agent-leg}user/1001 &park()\nJob-UUID: j")
    assert (await client.heard("BACKGROUND_JOB")).body == "+OK agent-leg\n"
    assert (await client.say(f"api uuid_bridge {caller} agent-leg")).body == b"+OK agent-leg\n"
    bridge = await client.heard("CHANNEL_BRIDGE")
    assert (bridge.get("Bridge-A-Unique-ID"), bridge.get("Bridge-B-Unique-ID")) == (caller, "agent-leg")
    await client.say(f"api uuid_kill {caller}")
    assert (await client.heard("CHANNEL_HANGUP_COMPLETE")).get("Hangup-Cause") == "NORMAL_CLEARING"


async def test_originating_blocks_the_connection_that_asked_and_no_other(switch: SimSwitch, client: Client) -> None:
    switch.set_phone(PhoneScript("1001", answer_after_s=0.2))
    switch.register("1001")
    client.writer.write(b"api originate {origination_uuid=one}user/1001 &park()\n\napi echo next\n\n")
    assert (await client.answer()).body == b"+OK one\n"
    assert (await client.answer()).body == b"next"


async def test_a_socket_server_takes_a_call_and_outlives_it(switch: SimSwitch, client: Client, pilot: Pilot) -> None:
    await client.say("event plain CHANNEL_DESTROY")
    switch.place_call(replace(CALLER, dialled="9010"))
    call = await asyncio.wait_for(pilot.calls.get(), 10)
    call.writer.write(b"connect\n\n")
    answer = (await call.reader.readuntil(b"\n\n")).decode()
    assert "Channel-Caller-ID-Number: 13800000001\n" in answer
    assert "Control: full\n" in answer
    await call.say("linger 1")
    await call.say("myevents")
    await call.say("sendmsg\ncall-command: execute\nexecute-app-name: answer")
    assert (await call.heard("CHANNEL_ANSWER")).get("Answer-State") == "answered"
    await call.say("sendmsg\ncall-command: hangup\nhangup-cause: USER_BUSY")
    assert (await call.heard("CHANNEL_HANGUP_COMPLETE")).get("Hangup-Cause") == "USER_BUSY"
    assert (await call.answer()).headers["Content-Disposition"] == "linger"

    async def is_listed() -> bool:
        return (await call.say("api show channels count")).body == b"\n1 total.\n"

    await until(is_listed, 0.9, "the leg of whom the server lingers with")
    assert (await call.answer()).headers["Content-Disposition"] == "disconnect"
    await client.heard("CHANNEL_DESTROY")
    await call.close()


async def test_a_client_that_stops_reading_takes_the_whole_switch_with_it_until_it_is_gone(switch: SimSwitch) -> None:
    """What a real switch does (13e): no answer, no event, no new client; then everything at once."""
    server = EslServer(switch, ServerSettings(password="x", queue_events=100))
    await server.start()
    clients = [Client(*await asyncio.open_connection(*server.address, limit=1 << 12)) for _ in range(2)]
    for client in clients:
        await client.answer()
        await client.say("auth x")
    stalled, flooding = clients
    await stalled.say("event plain CUSTOM a::b")
    sent = 0
    async with asyncio.timeout(60):
        while not server.is_frozen:
            body = "x" * 100_000
            flooding.writer.write(f"sendevent CUSTOM\nEvent-Subclass: a::b\nContent-Length: 100000\n\n{body}".encode())
            await flooding.writer.drain()
            sent += 1
    late = Client(*await asyncio.open_connection(*server.address))
    flooding.writer.write(b"api uuid_exists x\n\n")
    stalled.writer.transport.abort()
    assert (await late.frame()).kind == "auth/request"
    answers = [await flooding.answer() for _ in range(sent + 1)]
    assert answers[-1].body == b"false"
    for client in (flooding, late):
        await client.close()
    await server.close()


async def test_a_socket_server_that_refuses_leaves_the_call_to_the_dialplan(switch: SimSwitch, client: Client) -> None:
    await client.say("event plain CHANNEL_HANGUP_COMPLETE")
    switch.place_call(replace(CALLER, dialled="9013"))
    assert (await client.heard("CHANNEL_HANGUP_COMPLETE")).get("Hangup-Cause") == "NORMAL_CLEARING"
