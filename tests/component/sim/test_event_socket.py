"""The event socket of the simulated switch over real TCP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import gevent
import pytest
from greenswitch import InboundESL

from ipcc.sim.esl_server import EslServer, ServerSettings
from ipcc.sim.outputs import ApiDone, SimEvent, SocketWanted
from tests.component.sim.raw_client import Client
from tests.support.until import until
from tests.unit.sim_wire.scripted_switch import ScriptedSwitch

Connect = Callable[[], Awaitable[Client]]


@pytest.fixture
def switch() -> ScriptedSwitch:
    return ScriptedSwitch()


@pytest.fixture
async def server(switch: ScriptedSwitch) -> AsyncIterator[EslServer]:
    made = EslServer(switch, ServerSettings(queue_events=200))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
async def connected(server: EslServer) -> AsyncIterator[Connect]:
    clients: list[Client] = []

    async def connect() -> Client:
        host, port = server.address
        client = Client(*await asyncio.open_connection(host, port, limit=1 << 17))
        clients.append(client)
        assert (await client.frame()).kind == "auth/request"
        assert (await client.say("auth ClueCon")).headers["Reply-Text"] == "+OK accepted"
        return client

    yield connect
    for client in clients:
        await client.close()


async def test_commands_in_one_write_are_answered_in_order(connected: Connect) -> None:
    client = await connected()
    client.writer.write(b"api echo one\n\nfoo\n\napi echo two\n\n")
    answers = [await client.frame() for _ in range(3)]
    assert [answer.body for answer in answers] == [b"one", b"", b"two"]


async def test_a_command_cut_in_pieces_is_answered_once(connected: Connect) -> None:
    client = await connected()
    for piece in (b"api ", b"echo sp", b"lit\n", b"\n"):
        client.writer.write(piece)
        await client.writer.drain()
    assert (await client.frame()).body == b"split"


async def test_events_reach_every_client_that_asked(connected: Connect, switch: ScriptedSwitch) -> None:
    plain, as_json = await connected(), await connected()
    await plain.say("event plain CHANNEL_ANSWER")
    await as_json.say("event json CHANNEL_ANSWER")
    switch.put(SimEvent("CHANNEL_ANSWER", None, {"Event-Name": "CHANNEL_ANSWER", "Unique-ID": "a b"}))
    assert (await plain.frame()).body == b"Event-Name: CHANNEL_ANSWER\nUnique-ID: a%20b\n\n"
    assert (await as_json.frame()).body == b'{"Event-Name":"CHANNEL_ANSWER","Unique-ID":"a b"}'


async def test_a_late_api_answer_goes_to_the_connection_that_waits(connected: Connect, switch: ScriptedSwitch) -> None:
    waiting, other = await connected(), await connected()
    waiting.writer.write(b"api slow 3\n\napi echo next\n\n")
    await other.say("api echo x")
    switch.put(ApiDone(3, "+OK late\n"))
    assert (await waiting.frame()).body == b"+OK late\n"
    assert (await waiting.frame()).body == b"next"


async def test_the_switch_says_goodbye_and_closes(connected: Connect) -> None:
    client = await connected()
    await client.say("exit")
    assert (await client.frame()).kind == "text/disconnect-notice"
    assert await client.reader.read() == b""


async def test_a_stalled_client_freezes_the_whole_switch_until_its_socket_closes(
    connected: Connect, switch: ScriptedSwitch
) -> None:
    stalled = await connected()
    stalled.writer.write(b"event plain CHANNEL_ANSWER\n\n")
    other = await connected()
    big = SimEvent("CHANNEL_ANSWER", None, {"Event-Name": "CHANNEL_ANSWER", "filler": "x" * 100_000})
    async with asyncio.timeout(30):
        while not switch.is_frozen:
            switch.put(big)
            await asyncio.sleep(0)
    other.writer.write(b"api echo anyone there\n\n")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(other.reader.read(1), 0.2)
    stalled.writer.transport.abort()
    assert (await other.frame()).body == b"anyone there"
    assert not switch.is_frozen


async def test_the_switch_connects_to_a_socket_server_and_is_steered_from_there(
    server: EslServer, switch: ScriptedSwitch
) -> None:
    calls: asyncio.Queue[Client] = asyncio.Queue()
    ours = await asyncio.start_server(lambda reader, writer: calls.put(Client(reader, writer)), "127.0.0.1", 0)
    port = ours.sockets[0].getsockname()[1]
    switch.channels["leg"] = {"uuid": "leg"}
    switch.put(SocketWanted("leg", f"127.0.0.1:{port}", is_async=True, is_full=True))
    call = await asyncio.wait_for(calls.get(), 10)
    call.writer.write(b"connect\n\n")
    assert b"Control: full\n" in await call.reader.readuntil(b"\n\n")
    assert (await call.say("linger 2")).headers["Reply-Text"] == "+OK will linger 2 seconds"
    assert switch.began == ["leg"]
    await call.close()
    await until(lambda: switch.ended == [("leg", False)], what="the switch noticed the closed socket")
    ours.close()
    await ours.wait_closed()


async def test_a_socket_server_that_is_not_there_is_reported(server: EslServer, switch: ScriptedSwitch) -> None:
    unused = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = unused.sockets[0].getsockname()[1]
    unused.close()
    await unused.wait_closed()
    switch.put(SocketWanted("leg", f"127.0.0.1:{port}", is_async=True, is_full=True))
    await until(lambda: switch.refused == ["leg"], what="the refusal was reported")


async def test_the_greenswitch_library_can_use_it(server: EslServer, switch: ScriptedSwitch) -> None:
    host, port = server.address
    heard: list[str] = []

    def use() -> tuple[str, str]:
        client = InboundESL(host, port, "ClueCon")
        client.register_handle("BACKGROUND_JOB", lambda event: heard.append(event.headers["Job-UUID"]))
        client.connect()
        client.send("event plain BACKGROUND_JOB")
        answer = client.send("api echo hello")
        job = client.send("bgapi status\nJob-UUID: own")
        while not heard:
            gevent.sleep(0.01)
        client.stop()
        gevent.get_hub().destroy(destroy_loop=True)
        return answer.data, job.headers["Job-UUID"]

    used = asyncio.get_running_loop().run_in_executor(None, use)
    await until(lambda: switch.jobs, what="the job arrived")
    headers: dict[str, str | list[str]] = {"Event-Name": "BACKGROUND_JOB", "Job-UUID": "own"}
    switch.put(SimEvent("BACKGROUND_JOB", None, headers, "+OK\n"))
    assert await used == ("hello", "own")
    assert heard == ["own"]
