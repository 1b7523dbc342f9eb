"""Links over real sockets: the four faults of stock greenswitch, refusals by name, death noticed, floods, floods unread."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import gevent
import pytest
from greenswitch import InboundESL

from ipcc.clock import SystemClock
from ipcc.errors import SwitchDown
from ipcc.esl.commands import Status, Words
from ipcc.esl.fake import event_text
from ipcc.esl.green import GreenLinks
from ipcc.esl.link import Link, LinkError, LinkLimits
from ipcc.esl.node import NodeTimes
from ipcc.esl.nodes import Nodes
from ipcc.esl.port import ONE_EAR, OWN_LEGS, LinkCounters, NodeAddress, SwitchNode
from ipcc.esl.quoting import Unrenderable
from ipcc.esl.requests import Api, Subscribe
from ipcc.esl.wire import SwitchEvent
from ipcc.ids import LegId
from ipcc.tasks import Tasks
from tests.support.esl_peer import RUDE, EslPeer
from tests.support.until import until

EVIL = "Eve\nCaller-Caller-ID-Number: 95500"
SOON = LinkLimits(connect_s=0.5, greeting_s=0.3, send_s=0.3)
QUICK = NodeTimes(
    ping_after_s=0.1, answer_within_s=0.2, look_every_s=0.02, first_delay_s=0.02, longest_delay_s=0.05, setup_s=1.0
)


class Sink:
    """Hears one link."""

    def __init__(self) -> None:
        self.counters = LinkCounters()
        self.events: list[SwitchEvent] = []
        self.lost: list[LinkError] = []

    def on_event(self, event: SwitchEvent) -> None:
        self.events.append(event)

    def on_lost(self, error: LinkError) -> None:
        self.lost.append(error)


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


# the four faults


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


# being let in


async def refusal(links: GreenLinks, address: NodeAddress) -> LinkError:
    with pytest.raises(LinkError) as refused:
        await links.connect(address, Sink())
    assert f"{address.host}:{address.port}" in refused.value.message
    assert "secret" not in refused.value.message
    return refused.value


async def test_nobody_listens(links: GreenLinks, peer: EslPeer) -> None:
    await peer.stop()
    assert (await refusal(links, peer.address())).code == "switch.unreachable"


async def test_a_wrong_password_is_named(links: GreenLinks, peer: EslPeer) -> None:
    assert (await refusal(links, peer.address("wrong"))).code == "switch.wrong_password"


async def test_an_access_list_is_named(links: GreenLinks, peer: EslPeer) -> None:
    peer.greeting = RUDE
    error = await refusal(links, peer.address())
    assert error.code == "switch.acl_refused"
    assert "apply-inbound-acl" in error.message


@pytest.mark.parametrize("greeting", [b"SSH-2.0-x\r\n", b"220 mail\n\n", b"", b"\0\1\2\n\n", b"HTTP/1.1 400 Bad\n\n"])
async def test_something_else_listens(links: GreenLinks, peer: EslPeer, greeting: bytes) -> None:
    peer.greeting = greeting or b"Content-Type: command/reply\n"
    assert (await refusal(links, peer.address())).code in ("switch.not_an_event_socket", "switch.lost")


async def test_a_peer_that_accepts_and_says_nothing_is_given_up(links: GreenLinks, peer: EslPeer) -> None:
    peer.greeting = None
    assert (await refusal(links, peer.address())).code == "switch.not_an_event_socket"


async def test_connecting_can_be_cancelled(links: GreenLinks, peer: EslPeer) -> None:
    peer.greeting = None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await links.connect(peer.address(), Sink())


# floods and rubbish


async def test_what_is_no_event_socket_traffic_ends_the_link(links: GreenLinks, peer: EslPeer) -> None:
    sink = Sink()
    link = await links.connect(peer.address(), sink)
    await link.send(Api(Status()))
    peer.send_raw(b"rubbish\n\n")
    await until(lambda: sink.lost, what="the link ended")
    assert sink.lost[0].code == "switch.not_an_event_socket"


async def test_a_malformed_event_is_counted_and_the_next_one_heard(links: GreenLinks, peer: EslPeer) -> None:
    sink = Sink()
    link = await links.connect(peer.address(), sink)
    await link.send(Subscribe(("DTMF",)))
    peer.send_raw(b"Content-Length: 4\nContent-Type: text/event-plain\n\nX: 1")
    peer.say("DTMF", "a")
    await until(lambda: sink.events, what="the good one")
    assert sink.counters.malformed == 1


def flood(sock: socket.socket, frame: bytes) -> None:
    for _ in range(100_000):
        sock.sendall(frame)


async def test_an_asyncio_thread_that_is_stuck_never_makes_the_reader_wait(peer: EslPeer) -> None:
    text = event_text("DTMF", "a", {"Pad": "x" * 4000})
    frame = b"Content-Length: %d\nContent-Type: text/event-plain\n\n%b" % (len(text), text)
    links = GreenLinks(LinkLimits(backlog_bytes=1 << 20))
    sink = Sink()
    link = await links.connect(peer.address(), sink)
    await link.send(Subscribe(("DTMF",)))
    sock = peer.clients[0].writer.get_extra_info("socket").dup()
    sock.settimeout(10)
    with pytest.raises(ConnectionError):
        flood(
            sock, frame
        )  # this thread is stuck here: it ends only because the reader goes on reading and then hangs up
    sock.close()
    await until(lambda: sink.lost, what="the link was closed")
    assert sink.lost[0].code == "switch.overflow"
    assert sink.counters.overflows == 1
    links.stop()


async def test_ten_thousand_events_arrive_in_order(links: GreenLinks, peer: EslPeer) -> None:
    sink = Sink()
    link = await links.connect(peer.address(), sink)
    await link.send(Subscribe(("DTMF",)))
    for number in range(10_000):
        peer.say("DTMF", "a", {"Event-Sequence": str(number)})
        if number % 1000 == 0:
            await asyncio.sleep(0)
    await until(lambda: len(sink.events) == 10_000, what="all of them")
    assert [event.sequence for event in sink.events] == list(range(10_000))


async def test_a_listener_that_fails_loses_no_event_of_the_others(links: GreenLinks, peer: EslPeer) -> None:
    failures: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    tasks, node = await connected(links, peer)
    heard: list[str] = []
    node.listen(lambda event: heard.append(event.get("DTMF-Digit")))
    node.listen(lambda event: [][int(event.get("DTMF-Digit"))])
    for digit in "123":
        peer.say("DTMF", "a", {"DTMF-Digit": digit})
    await until(lambda: heard == ["1", "2", "3"], what="three digits")
    assert len(failures) == 3
    await tasks.stop()


# nodes


async def connected(links: GreenLinks, peer: EslPeer, times: NodeTimes = QUICK) -> tuple[Tasks, SwitchNode]:
    tasks = Tasks()
    plan = ONE_EAR.__class__(events=("DTMF", "CHANNEL_EXECUTE_COMPLETE"), only_watched_legs=False)
    nodes = Nodes([peer.address()], plan, links.connect, SystemClock(), times)
    nodes.start(tasks)
    node = nodes.nodes()[0]
    await until(lambda: node.is_up, what="the node is up")
    return tasks, node


async def test_a_switch_that_hangs_is_noticed_and_found_again(links: GreenLinks, peer: EslPeer) -> None:
    tasks, node = await connected(links, peer)
    peer.freeze()
    await until(lambda: not node.is_up, timeout=5, what="death is noticed")
    assert "does not answer" in node.state.last_error
    await peer.thaw()
    await until(lambda: node.is_up, what="it is found again")
    await tasks.stop()


async def test_a_quiet_switch_that_answers_stays_up(links: GreenLinks, peer: EslPeer) -> None:
    tasks, node = await connected(links, peer)
    await until(lambda: peer.lines.count("api uptime") >= 6, what="it was asked several times")
    assert node.is_up
    assert peer.accepted == 2
    await tasks.stop()


async def test_a_node_absent_at_start_is_found_when_it_comes(links: GreenLinks) -> None:
    peer = EslPeer()
    await peer.start()
    await peer.stop()
    tasks = Tasks()
    nodes = Nodes([peer.address()], OWN_LEGS, links.connect, SystemClock(), QUICK)
    nodes.start(tasks)
    node = nodes.nodes()[0]
    await until(lambda: "cannot be reached" in node.state.last_error, what="the error is named")
    await peer.start()
    await until(lambda: node.is_up, what="the node is up")
    await tasks.stop()
    assert not node.is_up
    await peer.stop()


async def test_only_watched_legs_are_heard_and_a_leg_that_ended_is_let_go(links: GreenLinks, peer: EslPeer) -> None:
    tasks = Tasks()
    nodes = Nodes([peer.address()], OWN_LEGS, links.connect, SystemClock(), QUICK)
    nodes.start(tasks)
    node = nodes.nodes()[0]
    await until(lambda: node.is_up, what="the node is up")
    heard: list[str] = []
    node.listen(lambda event: heard.append(f"{event.name} {event.uuid}"))
    await asyncio.gather(node.watch(LegId("a")), node.watch(LegId("a")))
    peer.say("CHANNEL_ANSWER", "b")
    peer.say("CHANNEL_ANSWER", "a")
    peer.say("CHANNEL_HANGUP_COMPLETE", "a")
    peer.say("BACKGROUND_JOB", "", {"Job-UUID": "x"}, body="+OK\n")
    await until(lambda: len(heard) == 3, what="three events")
    assert heard == ["CHANNEL_ANSWER a", "CHANNEL_HANGUP_COMPLETE a", "BACKGROUND_JOB "]
    await until(lambda: "filter delete Unique-ID a" in peer.lines, what="the filter is taken back")
    assert peer.lines.count("filter Unique-ID a") == 1
    await tasks.stop()


async def test_a_heartbeat_is_kept_for_health(links: GreenLinks, peer: EslPeer) -> None:
    tasks, node = await connected(links, peer)
    peer.say("HEARTBEAT", "", {"Session-Count": "7", "Max-Sessions": "1000", "Core-UUID": "c", "Idle-CPU": "98.5"})
    await until(lambda: node.state.heartbeat, what="the heartbeat is known")
    beat = node.state.heartbeat
    assert beat is not None
    assert (beat.sessions, beat.max_sessions, beat.idle_cpu_percent) == (7, 1000, 98.5)
    assert node.state.last_heard_at is not None
    await tasks.stop()


async def test_a_link_of_a_stopped_process_fails_at_once(peer: EslPeer) -> None:
    links = GreenLinks(SOON)
    link: Link = await links.connect(peer.address(), Sink())
    links.stop()
    with pytest.raises(SwitchDown):
        await link.send(Api(Status()))
    with pytest.raises(LinkError):
        await links.connect(peer.address(), Sink())
    links.stop()
