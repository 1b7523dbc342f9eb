"""Event-socket connections by greenswitch, in one thread with its own gevent hub: the only file that knows either.

Nothing is monkey patched. greenswitch 0.0.19 has four faults, mended here by overriding: it unquotes an event before
splitting its lines (a caller's name becomes a header), mixes bodies with headers, may send half a command, and lets a
command wait for ever when the connection drops.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket as stdlib_socket
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gevent
from gevent import socket
from gevent.event import AsyncResult, Event
from greenswitch import InboundESL

from ipcc.errors import SwitchDown
from ipcc.esl.handover import Handover
from ipcc.esl.link import Link, LinkError, LinkLimits, LinkSink
from ipcc.esl.port import NodeAddress
from ipcc.esl.requests import Auth, Request, encode
from ipcc.esl.wire import Decoder, Frame, WireError, event_of

_READ_BYTES = 256 * 1024
_KEEPALIVE_S = 3
_MOST_ON_THE_WAY = 512
"""Commands sent in one write."""

Answered = Callable[[Frame | LinkError], None]


class EventSocket(InboundESL):  # type: ignore[misc]  # greenswitch has no types
    """greenswitch's inbound client with its protocol half replaced. Lives in the gevent thread.

    ``heard`` is given every frame that is no answer, ``lost`` the reason of the end, once.
    """

    def __init__(
        self,
        address: NodeAddress,
        limits: LinkLimits,
        heard: Callable[[Frame], bool],
        lost: Callable[[LinkError], None],
    ) -> None:
        super().__init__(address.host, address.port, address.password, timeout=limits.connect_s)
        self.sock: Any = None
        self._where = f"{address.host}:{address.port}"
        self._limits = limits
        self._heard = heard
        self._lost = lost
        self._decoder = Decoder()
        self._waiting: deque[Answered] = deque()
        self._outbox: deque[tuple[bytes, Answered]] = deque()
        self._has_mail = Event()
        self._greeting: AsyncResult = AsyncResult()
        self._end: LinkError | None = None

    def connect(self) -> None:
        """Connect and authenticate, each within its time limit. Raises LinkError."""
        try:
            self.sock = socket.create_connection((self.host, self.port), self._limits.connect_s)
        except OSError as failure:
            raise self._error("unreachable", f"cannot be reached: {failure}") from None
        if self._end is not None:  # closed meanwhile
            self.sock.close()
            raise self._end
        self.sock.settimeout(None)
        _keep_alive(self.sock)
        self.connected = True
        self.start_event_handlers()
        try:
            with gevent.Timeout(self._limits.greeting_s):
                self._greeting.get()
                self.authenticate()
        except gevent.Timeout:
            raise self.end(self._error("not_an_event_socket", "does not talk like FreeSWITCH's event socket")) from None

    def authenticate(self) -> None:
        """Give the password. Raises LinkError."""
        reply = self.send(Auth(self.password)).reply.strip()
        if reply != "+OK accepted":
            error = self._error("wrong_password", f"does not accept the password: {reply}")
            self.end(error)
            raise error

    def send(self, request: Request) -> Frame:
        """Send and wait for the answer; the wait ends with the connection. Raises LinkError, Unrenderable."""
        answer: AsyncResult = AsyncResult()
        self.post(encode(request), answer.set)
        given: Frame | LinkError = answer.get()
        if isinstance(given, LinkError):
            raise given
        return given

    def stop(self) -> None:
        """Close without a word."""
        self.end(self._error("lost", "was left by us"))

    def start_event_handlers(self) -> None:
        """Stock starts a reader and a handler of events; ours has a reader and a writer, events go to the asyncio thread."""
        self._receive_events_greenlet = gevent.spawn(self.receive_events)
        self._send_greenlet = gevent.spawn(self._send_mail)

    def receive_events(self) -> None:
        """Read until the end. Never waits for anybody but the socket."""
        try:
            while data := self.sock.recv(_READ_BYTES):
                for frame in self._decoder.feed(data):
                    if self._end is None:
                        self.handle_event(frame)
                gevent.sleep(0)  # a socket that always has more would never let the writer run
            self.end(self._error("lost", "closed the connection"))
        except WireError as error:
            self.end(self._error("not_an_event_socket", f"sends what no event socket sends: {error.message}"))
        except OSError as error:
            self.end(self._error("lost", f"lost: {error}"))

    def handle_event(self, frame: Frame) -> None:
        """Answers go to who waits for them, in order; the greeting opens the door; the rest is heard."""
        kind = frame.content_type
        if kind in ("command/reply", "api/response"):
            if not self._waiting:
                raise WireError("an answer nobody asked for")
            self._waiting.popleft()(frame)
        elif kind == "auth/request":
            self._greeting.set(frame)
        elif kind == "text/rude-rejection":
            self.end(self._error("acl_refused", "refuses this address: see apply-inbound-acl in event_socket.conf"))
        elif frame.is_event and not self._heard(frame):
            self.end(self._error("overflow", "was closed: its events were not taken away fast enough"))

    def post(self, data: bytes, answered: Answered) -> None:
        """Send, behind all that was sent before; ``answered`` is called once, with the answer or the end."""
        if self._end is not None:
            answered(self._end)
            return
        self._outbox.append((data, answered))
        self._has_mail.set()

    def _send_mail(self) -> None:
        while self._end is None:
            self._has_mail.wait()
            self._has_mail.clear()
            while self._outbox and self._end is None:
                self._send_some()

    def _send_some(self) -> None:
        mail = [self._outbox.popleft() for _ in range(min(len(self._outbox), _MOST_ON_THE_WAY))]
        self._waiting.extend(answered for _, answered in mail)
        try:
            with gevent.Timeout(self._limits.send_s):
                self.sock.sendall(b"".join(data for data, _ in mail))
        except gevent.Timeout:
            self.end(self._error("lost", f"took no command for {self._limits.send_s} s"))
        except OSError as error:
            self.end(self._error("lost", f"lost while sending: {error}"))

    def end(self, error: LinkError) -> LinkError:
        """It is over: close, tell everybody who waits, tell the owner. Only the first reason counts; returns it."""
        if self._end is not None:
            return self._end
        self._end = error
        self.connected = False
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(stdlib_socket.SHUT_RDWR)  # wakes the reader; closing alone would not
            self.sock.close()
        self._has_mail.set()
        if not self._greeting.ready():
            self._greeting.set_exception(error)
        waiting = [*self._waiting, *(answered for _, answered in self._outbox)]
        self._waiting.clear()
        self._outbox.clear()
        for answered in waiting:
            answered(error)
        self._lost(error)
        return error

    def _error(self, code: str, text: str) -> LinkError:
        return LinkError(f"switch.{code}", f"the switch at {self._where} {text}", address=self._where)


def _keep_alive(sock: socket.socket) -> None:
    sock.setsockopt(stdlib_socket.IPPROTO_TCP, stdlib_socket.TCP_NODELAY, 1)
    sock.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", _KEEPALIVE_S), ("TCP_KEEPINTVL", 1), ("TCP_KEEPCNT", 2)):
        if hasattr(stdlib_socket, option):  # not on every system
            sock.setsockopt(stdlib_socket.IPPROTO_TCP, getattr(stdlib_socket, option), value)


class GreenThread:
    """The thread with the hub. One per process is enough for all links."""

    def __init__(self) -> None:
        self._inbox: deque[Callable[[], None]] = deque()
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="switch-links", daemon=True)
        self._lock = threading.Lock()
        self._wake: Callable[[], None] | None = None
        self._stopped: Event | None = None

    def start(self) -> None:
        self._thread.start()
        self._is_ready.wait()

    def stop(self) -> None:
        """End the thread; links still open are dropped. Safe to call twice."""
        if self.run(lambda: self._stopped.set() if self._stopped else None):
            self._thread.join(timeout=5)

    def run(self, work: Callable[[], None]) -> bool:
        """Do ``work`` in the thread, soon and in order; False when it has ended. ``work`` must not block: what does, it
        spawns. From any thread."""
        with self._lock:
            if self._wake is None:
                return False
            self._inbox.append(work)
            self._wake()
            return True

    def _run(self) -> None:
        hub = gevent.get_hub()
        self._stopped = Event()
        watcher = hub.loop.async_()
        watcher.start(self._do)
        self._wake = watcher.send
        self._is_ready.set()
        self._stopped.wait()
        with self._lock:
            self._wake = None
        watcher.close()
        hub.destroy(destroy_loop=True)

    def _do(self) -> None:
        while self._inbox:
            self._inbox.popleft()()


@dataclass(frozen=True)
class _Answer:
    future: asyncio.Future[Frame]
    given: Frame | LinkError


class GreenLink:
    """One link, for the asyncio thread. Made by `GreenLinks.connect`."""

    def __init__(self, thread: GreenThread, address: NodeAddress, sink: LinkSink, limits: LinkLimits) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread = thread
        self._sink = sink
        self._node_id = address.node_id
        self._handover: Handover[Frame | _Answer | LinkError] = Handover(self._loop, self._take, limits.backlog_bytes)
        self._socket = EventSocket(address, limits, self._heard, self._lost)
        self._heard_at = self._loop.time()
        self._is_open = False

    @property
    def heard_at(self) -> float:
        return self._heard_at

    async def open(self) -> None:
        """Connect and be let in. Raises LinkError."""
        opened: asyncio.Future[None] = self._loop.create_future()

        def settle(error: LinkError | None) -> None:
            if opened.done():
                return
            if error is None:
                self._is_open = True
                opened.set_result(None)
            else:
                opened.set_exception(error)

        def connect() -> None:
            error = None
            try:
                self._socket.connect()
            except LinkError as refused:
                error = refused
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(settle, error)

        if not self._thread.run(lambda: gevent.spawn(connect)):
            raise LinkError("switch.lost", "the links of this process have been stopped")
        try:
            await opened
        except BaseException:
            self.close()
            raise

    def send(self, request: Request) -> asyncio.Future[Frame]:
        data = encode(request)
        future: asyncio.Future[Frame] = self._loop.create_future()
        self._sink.counters.commands += 1

        def answered(given: Frame | LinkError) -> None:
            self._heard_at = self._loop.time()
            self._handover.put_last(_Answer(future, given), 0)

        if not self._thread.run(lambda: self._socket.post(data, answered)):
            self._settle(_Answer(future, LinkError("switch.lost", "the links of this process have been stopped")))
        return future

    def close(self) -> None:
        self._is_open = False
        self._thread.run(self._socket.stop)

    def _heard(self, frame: Frame) -> bool:
        """In the gevent thread."""
        self._heard_at = self._loop.time()
        return self._handover.put(frame, len(frame.body))

    def _lost(self, error: LinkError) -> None:
        """In the gevent thread."""
        self._handover.put_last(error, 0)

    def _take(self, item: Frame | _Answer | LinkError) -> None:
        """In the asyncio thread."""
        if isinstance(item, LinkError):
            self._end(item)
            return
        if isinstance(item, _Answer):
            self._settle(item)
            return
        self._sink.counters.events += 1
        self._sink.counters.bytes_in += len(item.body)
        try:
            event = event_of(item)
        except WireError:
            self._sink.counters.malformed += 1
            return
        if self._is_open:
            self._sink.on_event(event)

    def _settle(self, answer: _Answer) -> None:
        if answer.future.done():  # nobody waits any more
            return
        if isinstance(answer.given, LinkError):
            self._sink.counters.unknown_outcomes += 1
            answer.future.set_exception(
                SwitchDown(
                    "switch.down",
                    f"node {self._node_id}: {answer.given.message}; whether the command was done is unknown",
                )
            )
        else:
            answer.future.set_result(answer.given)

    def _end(self, error: LinkError) -> None:
        if not self._is_open:
            return
        self._is_open = False
        if error.code == "switch.overflow":
            self._sink.counters.overflows += 1
        self._sink.on_lost(error)


class GreenLinks:
    """Makes links; owns the thread."""

    def __init__(self, limits: LinkLimits | None = None) -> None:
        self._limits = limits or LinkLimits()
        self._thread = GreenThread()
        self._thread.start()

    async def connect(self, address: NodeAddress, sink: LinkSink) -> Link:
        """A link to ``address``, let in. Raises LinkError."""
        link = GreenLink(self._thread, address, sink, self._limits)
        await link.open()
        return link

    def stop(self) -> None:
        """End the thread and with it every link."""
        self._thread.stop()
