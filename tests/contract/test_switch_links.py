"""Links over real sockets: refusals by name, death noticed, floods, floods unread."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from ipcc.clock import SystemClock
from ipcc.errors import SwitchDown
from ipcc.esl.commands import Status
from ipcc.esl.fake import event_text
from ipcc.esl.green import GreenLinks
from ipcc.esl.link import Link, LinkError, LinkLimits
from ipcc.esl.node import NodeTimes
from ipcc.esl.nodes import Nodes
from ipcc.esl.port import ONE_EAR, OWN_LEGS, NodeAddress, SwitchNode
from ipcc.esl.requests import Api, Subscribe
from ipcc.ids import LegId
from ipcc.tasks import Tasks
from tests.support.esl_peer import RUDE, EslPeer, Sink
from tests.support.until import until

SOON = LinkLimits(connect_s=0.5, greeting_s=0.3, send_s=0.3)
QUICK = NodeTimes(
    ping_after_s=0.1, answer_within_s=0.2, look_every_s=0.02, first_delay_s=0.02, longest_delay_s=0.05, setup_s=1.0
)


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
