"""The four faults of stock greenswitch, each shown on stock and mended in ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import gevent
import pytest
from greenswitch import InboundESL

from ipcc.errors import SwitchDown
from ipcc.esl.commands import Status, Words
from ipcc.esl.green import GreenLinks
from ipcc.esl.link import LinkLimits
from ipcc.esl.port import NodeAddress
from ipcc.esl.quoting import Unrenderable
from ipcc.esl.requests import Api, Subscribe
from tests.support.esl_peer import EslPeer, Sink
from tests.support.until import until

EVIL = "Eve\nCaller-Caller-ID-Number: 95500"
SOON = LinkLimits(connect_s=0.5, greeting_s=0.3, send_s=0.3)


@pytest.fixture
async def peer() -> AsyncIterator[EslPeer]:
    peer = EslPeer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
def links() -> Iterator[GreenLinks]:
    links = GreenLinks(SOON)
    yield links
    links.stop()


def in_stock(address: NodeAddress, work: Callable[[Any], Any]) -> Awaitable[Any]:
    """``work(client)`` with a connected stock client, in a thread of its own."""

    def run() -> Any:
        client = InboundESL(address.host, address.port, address.password, timeout=2)
        client.connect()
        try:
            return work(client)
        finally:
            client._run = False
            client.connected = False
            client.sock.close()
            gevent.sleep(0)

    return asyncio.to_thread(run)


async def test_fault_1_a_line_break_in_a_name_forges_a_header_in_stock_and_not_in_ours(
    peer: EslPeer, links: GreenLinks
) -> None:
    sink = Sink()
    link = await links.connect(peer.address(), sink)
    await link.send(Subscribe(("CHANNEL_CREATE",)))

    def listen(client: Any) -> dict[str, str]:
        heard: list[Any] = []
        client.register_handle("CHANNEL_CREATE", heard.append)
        client.send("event plain CHANNEL_CREATE")
        asked.set()
        with gevent.Timeout(5):
            while not heard:
                gevent.sleep(0.01)
        headers: dict[str, str] = heard[0].headers
        return headers

    asked = asyncio.Event()
    stock = asyncio.ensure_future(in_stock(peer.address(), listen))  # noqa: TID251
    await until(lambda: len([client for client in peer.clients if client.events]) == 2, what="both listen")
    peer.say("CHANNEL_CREATE", "a", {"Caller-Caller-ID-Name": EVIL})
    assert (await stock)["Caller-Caller-ID-Number"] == "95500"
    await until(lambda: sink.events, what="ours heard it too")
    assert sink.events[0].get("Caller-Caller-ID-Number") == ""
    assert sink.events[0].get("Caller-Caller-ID-Name") == EVIL


async def test_fault_2_a_body_overwrites_headers_in_stock_and_not_in_ours(peer: EslPeer, links: GreenLinks) -> None:
    sink = Sink()
    link = await links.connect(peer.address(), sink)
    await link.send(Subscribe(("BACKGROUND_JOB",)))

    def listen(client: Any) -> Any:
        heard: list[Any] = []
        client.register_handle("BACKGROUND_JOB", heard.append)
        client.send("event plain BACKGROUND_JOB")
        with gevent.Timeout(5):
            while not heard:
                gevent.sleep(0.01)
        return heard[0]

    stock = asyncio.ensure_future(in_stock(peer.address(), listen))  # noqa: TID251
    await until(lambda: len([client for client in peer.clients if client.events]) == 2, what="both listen")
    peer.say("BACKGROUND_JOB", "", {"Job-UUID": "j"}, body="+OK\nJob-UUID: forged\n")
    event = await stock
    assert event.headers["Job-UUID"] == "forged"
    assert not hasattr(event, "data")
    await until(lambda: sink.events, what="ours heard it too")
    assert sink.events[0].get("Job-UUID") == "j"
    assert sink.events[0].body == "+OK\nJob-UUID: forged\n"


async def test_fault_3_two_commands_in_one_go_out_in_stock_and_not_in_ours(peer: EslPeer, links: GreenLinks) -> None:
    link = await links.connect(peer.address(), Sink())
    await in_stock(peer.address(), lambda client: client.send("api echo a\n\napi uuid_kill b"))
    await until(lambda: "api uuid_kill b" in peer.lines, what="the second command arrived")
    peer.lines.clear()
    with pytest.raises(Unrenderable):
        link.send(Api(Words("echo", "a\n\napi uuid_kill b")))
    await link.send(Api(Status()))
    assert peer.lines == ["api status"]


async def test_fault_3_a_long_command_is_cut_in_stock_and_whole_in_ours(peer: EslPeer, links: GreenLinks) -> None:
    long = "x" * 60_000
    sink = Sink()
    link = await links.connect(peer.address(), sink)

    def send_long(client: Any) -> int:
        taken: list[int] = []
        real = client.sock.send

        class HalfSocket:  # a socket that takes half of what it is given, as any may
            def send(self, data: bytes) -> int:
                taken.append(real(data[: len(data) // 2]))
                return taken[-1]

        whole, client.sock = client.sock, HalfSocket()
        try:
            with gevent.Timeout(0.2, False):
                client.send(f"api echo {long}")
        finally:
            client.sock = whole
        return taken[0]

    assert await in_stock(peer.address(), send_long) < len(long)  # and it did not notice
    await link.send(Api(Words("echo", long)))
    assert peer.lines == [f"api echo {long}"]


async def test_fault_3_a_peer_that_takes_nothing_ends_the_link_within_the_limit(
    peer: EslPeer, links: GreenLinks
) -> None:
    sink = Sink()
    link = await links.connect(peer.address(), sink)
    peer.freeze()
    sent = [link.send(Api(Words("echo", "x" * 60_000))) for _ in range(400)]
    await until(lambda: sink.lost, what="the link gave up")
    assert sink.lost[0].code == "switch.lost"
    for future in sent:
        with pytest.raises(SwitchDown):
            await future


async def test_fault_4_a_waiting_command_waits_for_ever_in_stock_and_fails_in_ours(
    peer: EslPeer, links: GreenLinks
) -> None:
    sink = Sink()
    link = await links.connect(peer.address(), sink)
    peer.answer("status", None)

    def wait(client: Any) -> str:
        with gevent.Timeout(1.0, False):
            client.send("api status")
            return "answered"
        return "still waiting"

    stock = asyncio.ensure_future(in_stock(peer.address(), wait))  # noqa: TID251
    ours = link.send(Api(Status()))
    await until(lambda: peer.lines.count("api status") == 2, what="both asked")
    peer.cut()
    with pytest.raises(SwitchDown, match="unknown"):
        await asyncio.wait_for(ours, 1)
    assert await stock == "still waiting"
    assert len(sink.lost) == 1
