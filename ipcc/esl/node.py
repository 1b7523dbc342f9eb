"""One FreeSWITCH: two links (events, commands), found dead within seconds, connected again, every wait settled.

It never repeats a command by itself: after a loss only the owner knows what may be done twice. What it restores is what
it was asked to hear: subscription and watched legs.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from logging import INFO, WARNING
from typing import Any

import structlog

from ipcc.clock import Clock
from ipcc.errors import Bug, SwitchDown, SwitchRefused
from ipcc.esl.commands import Command, ShowChannel, ShowChannels, UuidExists, Words
from ipcc.esl.headers import EventName
from ipcc.esl.link import Connect, Link, LinkError
from ipcc.esl.listing import channels_from_json
from ipcc.esl.meaning import ApplicationEnded, ChannelRow, Heartbeat
from ipcc.esl.normalise import normalise
from ipcc.esl.port import LinkCounters, LinkState, NodeAddress, SubscriptionPlan, always_heard
from ipcc.esl.requests import Api, BgApi, Execute, Filter, FilterDelete, Request, Subscribe
from ipcc.esl.waiting import Handler, Waiting, agreed, refusal
from ipcc.esl.wire import Frame, SwitchEvent
from ipcc.ids import LegId, new_id

log = structlog.get_logger(__name__)

_PING = Words("uptime")
_LEG = "Unique-ID"


@dataclass(frozen=True)
class NodeTimes:
    """When a silent link is questioned and given up, and how connecting again is spread."""

    ping_after_s: float = 1.5
    """Without any traffic for so long a cheap command is sent: an idle switch says nothing but a heartbeat every 20 s."""
    answer_within_s: float = 3.0
    """No traffic since the ping for so long: the link is dead. Together under 5 s."""
    look_every_s: float = 0.25
    first_delay_s: float = 0.2
    longest_delay_s: float = 3.0
    steady_s: float = 10.0
    """A connection that held so long counts as good: the next attempts begin with the first delay again."""
    setup_s: float = 5.0
    """The subscription and all watches must be taken within this."""


def delay_before(attempt: int, chance: float, times: NodeTimes) -> float:
    """Seconds before connection attempt ``attempt`` (from 0): doubled each time up to the longest, spread by ``chance`` (0..1)
    over its upper half, so that many services do not knock at the same moment."""
    full = min(times.longest_delay_s, times.first_delay_s * float(1 << min(attempt, 16)))
    return full * (1 + chance) / 2


class ConnectedNode:
    """The switch port for one node. `run` must be running; until the links are up every command fails with SwitchDown."""

    def __init__(
        self,
        address: NodeAddress,
        plan: SubscriptionPlan,
        connect: Connect,
        clock: Clock,
        times: NodeTimes | None = None,
    ) -> None:
        self.node_id = address.node_id
        self.counters = LinkCounters()
        self.on_up: list[Callable[[ConnectedNode], None]] = []
        self.on_down: list[Callable[[ConnectedNode], None]] = []
        self._address = address
        self._plan = plan
        self._connect = connect
        self._clock = clock
        self._times = times or NodeTimes()
        self._waiting = Waiting()
        self._watched: dict[LegId, asyncio.Future[Frame] | None] = {}
        self._events: Link | None = None
        self._commands: Link | None = None
        self._lost: asyncio.Future[LinkError] | None = None
        self._state = LinkState(False, clock.now(), last_error="not connected yet")

    # the life of the links

    async def run(self) -> None:
        """Connect, watch over the links, connect again, for ever."""
        attempt = 0
        try:
            while True:
                begun = asyncio.get_running_loop().time()
                if await self._open(attempt):
                    await self._live()
                    self._fall()
                    if asyncio.get_running_loop().time() - begun >= self._times.steady_s:
                        attempt = 0
                chance = random.random()  # noqa: S311  spreading, not secrecy
                await asyncio.sleep(delay_before(attempt, chance, self._times))
                attempt += 1
        finally:
            if self.is_up:
                self._fall()
            self._close()

    async def _open(self, attempt: int) -> bool:
        self._lost = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._times.setup_s):
                self._commands = await self._connect(self._address, self)
                self._events = await self._connect(self._address, self)
                await self._subscribe(self._events)
        except (LinkError, SwitchDown, SwitchRefused, TimeoutError) as error:
            self._close()
            self._note_failure(getattr(error, "message", f"did not let us in within {self._times.setup_s} s"), attempt)
            return False
        self._state = replace(self._state, is_up=True, since=self._clock.now())
        log.info("switch_up", node=self.node_id)
        for callback in tuple(self.on_up):
            callback(self)
        return True

    async def _subscribe(self, link: Link) -> None:
        # all at once, one answer each; the filters first, or every leg of the switch would be heard for a moment
        answers = [link.send(request) for request in self._first_filters()]
        for leg in self._watched:
            self._watched[leg] = link.send(Filter(_LEG, leg))
        answers += [answer for answer in self._watched.values() if answer is not None]
        answers.append(link.send(Subscribe(tuple(always_heard(self._plan)), self._plan.subclasses)))
        for answer in answers:
            agreed((await answer).reply)

    def _first_filters(self) -> list[Request]:
        if not self._plan.only_watched_legs:
            return []
        events = [EventName.BACKGROUND_JOB, EventName.HEARTBEAT]
        if self._plan.subclasses:
            events.append(EventName.CUSTOM)
        return [Filter("Event-Name", event) for event in events]

    async def _live(self) -> None:
        """Until a link is lost. A link that is silent is asked; one that does not answer either is dead."""
        if self._lost is None or self._events is None or self._commands is None:
            return
        silences = [_Silence(link, self._times) for link in (self._events, self._commands)]
        while not self._lost.done():
            await asyncio.wait({self._lost}, timeout=self._times.look_every_s)
            if any(silence.is_death(asyncio.get_running_loop().time()) for silence in silences):
                self.on_lost(LinkError("switch.lost", f"node {self.node_id} does not answer any more"))

    def _note_failure(self, message: str, attempt: int) -> None:
        if message != self._state.last_error or attempt == 0:
            log.warning("switch_unreachable", node=self.node_id, error=message)
        self._state = replace(self._state, last_error=message)

    def _fall(self) -> None:
        was_lost = self._lost is not None and self._lost.done()
        message = self._lost.result().message if self._lost is not None and was_lost else "stopped"
        self._state = replace(self.state, is_up=False, since=self._clock.now(), last_error=message)
        self._close()
        self._watched = dict.fromkeys(self._watched)
        self.counters.reconnects += 1
        self.counters.unknown_outcomes += self._waiting.fail_all(lambda: self._unknown(message))
        # a service that stops says so once, not as a fault of every switch
        log.log(WARNING if was_lost else INFO, "switch_down", node=self.node_id, error=message)
        for callback in tuple(self.on_down):
            callback(self)

    def _close(self) -> None:
        for link in (self._events, self._commands):
            if link is not None:
                link.close()
        self._events = self._commands = None

    # the links' sink

    def on_event(self, event: SwitchEvent) -> None:
        if event.name == EventName.HEARTBEAT:
            self._note_heartbeat(event)
        is_heard = False
        try:
            self._waiting.hear(event)
            is_heard = True
        finally:
            self.counters.handler_failures += not is_heard
        if event.name in (EventName.CHANNEL_HANGUP_COMPLETE, EventName.CHANNEL_DESTROY):
            self._stop_watching(LegId(event.uuid))

    def on_lost(self, error: LinkError) -> None:
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(error)

    def _note_heartbeat(self, event: SwitchEvent) -> None:
        for told in normalise(event):
            if isinstance(told, Heartbeat):
                self._state = replace(self._state, heartbeat=told)

    # the port

    @property
    def is_up(self) -> bool:
        return self._state.is_up

    @property
    def state(self) -> LinkState:
        if not self.is_up or self._events is None or self._commands is None:
            return self._state
        silent_s = asyncio.get_running_loop().time() - max(self._events.heard_at, self._commands.heard_at)
        return replace(self._state, last_heard_at=self._clock.now() - timedelta(seconds=silent_s))

    async def api(self, command: Command, timeout: float = 5.0) -> str:
        return self._agreed((await self._ask(Api(command), timeout)).reply)

    async def job(self, command: Command, timeout: float, job_id: str | None = None) -> str:
        request = BgApi(command, job_id or new_id())
        request.message()
        outcome = self._waiting.job(request.job_id)
        try:
            async with asyncio.timeout(timeout):
                self._agreed((await self._ask(request, timeout)).reply)
                done = await outcome
        except TimeoutError:
            raise self._unknown(f"no outcome within {timeout} s") from None
        finally:
            self._waiting.forget_job(request.job_id)
            _forget(outcome)
        if not done.is_ok:
            self.counters.refused += 1
            raise refusal(done.cause)
        return done.text

    async def execute(
        self, leg: LegId, application: str, argument: str = "", *, timeout: float, event_id: str | None = None
    ) -> ApplicationEnded:
        request = Execute(leg, application, argument, event_id or new_id())
        request.message()
        if EventName.CHANNEL_EXECUTE_COMPLETE not in self._plan.events:
            raise Bug("bug.not_subscribed", "execute needs CHANNEL_EXECUTE_COMPLETE in the subscription plan")
        await self.watch(leg)
        ended = self._waiting.application(leg, request.event_id)
        try:
            async with asyncio.timeout(timeout):
                self._agreed((await self._ask(request, timeout)).reply, leg)
                return await ended
        except TimeoutError:
            raise self._unknown(f"{application} did not end within {timeout} s") from None
        finally:
            self._waiting.forget_application(request.event_id)
            _forget(ended)

    async def start(self, leg: LegId, application: str, argument: str = "") -> str:
        request = Execute(leg, application, argument, new_id())
        self._agreed((await self._ask(request, self._times.setup_s)).reply, leg)
        return request.event_id

    async def watch(self, leg: LegId) -> None:
        asked = self._ask_to_hear(leg)
        if asked is not None:
            # also the second to ask waits: until the switch has the filter nothing of the leg is heard
            self._agreed((await self._answer_of(asked, self._times.setup_s)).reply)

    def begin_watch(self, leg: LegId) -> None:
        with suppress(SwitchDown):
            asked = self._ask_to_hear(leg)
            if asked is not None:
                _forget(asked)

    def _ask_to_hear(self, leg: LegId) -> asyncio.Future[Frame] | None:
        """The answer to the filter, which is sent if it was not; None where all legs are heard. Raises SwitchDown."""
        request = Filter(_LEG, leg)
        request.message()
        asked = self._watched.get(leg)
        if asked is None and self._plan.only_watched_legs:
            self._watched[leg] = None  # asked for again when the link is back
            asked = self._watched[leg] = self._link(self._events).send(request)
        return asked

    async def unwatch(self, leg: LegId) -> None:
        self._stop_watching(leg)

    def _stop_watching(self, leg: LegId) -> None:
        if leg in self._watched:
            del self._watched[leg]
            if self._events is not None:
                _forget(self._events.send(FilterDelete(_LEG, leg)))

    def listen(self, handler: Handler) -> Callable[[], None]:
        return self._waiting.listen(handler)

    async def exists(self, leg: LegId) -> bool:
        return await self.api(UuidExists(leg)) == "true"

    async def channels(self, leg: LegId | None = None) -> list[ChannelRow]:
        rows = channels_from_json(await self.api(ShowChannel(leg) if leg else ShowChannels(), self._times.setup_s))
        # another leg's row may name this one in some column
        return [row for row in rows if leg in (None, row.leg_id)]

    # inside

    async def _ask(self, request: Request, timeout: float) -> Frame:
        return await self._answer_of(self._link(self._commands).send(request), timeout)

    async def _answer_of(self, future: asyncio.Future[Frame], timeout: float) -> Frame:
        # waiting must not cancel: others may wait for the same answer, and it comes in its turn anyhow
        await asyncio.wait({future}, timeout=timeout)
        if future.done():
            return future.result()
        _forget(future)
        self.counters.unknown_outcomes += 1
        raise self._unknown(f"no answer within {timeout} s")

    def _agreed(self, answer: str, leg: LegId | None = None) -> str:
        is_refused = True
        try:
            text = agreed(answer, leg)
            is_refused = False
        finally:
            self.counters.refused += is_refused
        return text

    def _link(self, link: Link | None) -> Link:
        if link is None or not self.is_up:
            raise self._down(self._state.last_error)
        return link

    def _down(self, why: str) -> SwitchDown:
        return SwitchDown("switch.down", f"node {self.node_id} is not connected: {why}", node_id=self.node_id)

    def _unknown(self, why: str) -> SwitchDown:
        return SwitchDown("switch.unknown_outcome", f"node {self.node_id}: {why}", node_id=self.node_id)


class _Silence:
    """How long a link has said nothing, and whether it was asked."""

    def __init__(self, link: Link, times: NodeTimes) -> None:
        self._link = link
        self._times = times
        self._asked_at: float | None = None

    def is_death(self, now: float) -> bool:
        """Look again: ask a link that is silent; True when it has been asked and still says nothing."""
        if self._asked_at is not None and self._link.heard_at >= self._asked_at:
            self._asked_at = None
        if self._asked_at is not None:
            return now - self._asked_at >= self._times.answer_within_s
        if now - self._link.heard_at >= self._times.ping_after_s:
            self._asked_at = now
            _forget(self._link.send(Api(_PING)))
        return False


def _forget(future: asyncio.Future[Any]) -> None:
    """Nobody will ask for this answer: its error is no surprise."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
