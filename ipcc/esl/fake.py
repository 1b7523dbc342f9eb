"""A switch in memory for unit tests: answers as scripted, says what it is told to say, remembers what it was told.

Held to the same contract as the real nodes (tests/contract/test_switch.py). Answers are the switch's own texts
(``+OK …``, ``-ERR NO_ANSWER``), so that a script reads like a transcript.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from urllib.parse import quote

import orjson

from ipcc.errors import NotFound, SwitchDown
from ipcc.esl.commands import Command, Originate, ShowChannel, ShowChannels, UuidExists, UuidKill
from ipcc.esl.headers import EventName
from ipcc.esl.listing import channels_from_json
from ipcc.esl.meaning import ApplicationEnded, ChannelRow
from ipcc.esl.port import LegGoneError, LinkState, SwitchNode
from ipcc.esl.requests import Execute, encode
from ipcc.esl.waiting import Waiting, agreed
from ipcc.esl.wire import SwitchEvent, plain_event
from ipcc.ids import LegId, NodeId, new_id

C = TypeVar("C", bound=Command)

Answer = str | Exception | None
"""The text of the switch; an error to raise; None: it never answers."""
_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
NO_CHANNEL = "-ERR No such channel!"


def event_text(
    event_name: str,
    leg: str = "",
    headers: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    *,
    at: datetime = _START,
    body: str = "",
) -> bytes:
    """An event in plain text, as a switch sends it. ``headers`` overrides and adds."""
    fields = {
        "Event-Name": event_name,
        "Event-Date-Timestamp": str((at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)),
        **({"Unique-ID": leg} if leg else {}),
        **(headers or {}),
        **{f"variable_{key}": value for key, value in (variables or {}).items()},
    }
    text = "".join(f"{key}: {quote(value)}\n" for key, value in fields.items())
    if not body:
        return f"{text}\n".encode()
    return f"{text}Content-Length: {len(body.encode())}\n\n{body}".encode()


def switch_event(
    event_name: str,
    leg: str = "",
    headers: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
    *,
    at: datetime = _START,
    body: str = "",
) -> SwitchEvent:
    """The same, heard."""
    return plain_event(event_text(event_name, leg, headers, variables, at=at, body=body))


@dataclass
class Script:
    """What the fake answers: the newest rule whose prefix fits the rendered command; the built-in answer when none fits."""

    rules: list[tuple[str, Callable[[Command], Answer]]] = field(default_factory=list)

    def add(self, prefix: str, answer: Answer | Callable[[Command], Answer]) -> None:
        rule = answer if callable(answer) else lambda _: answer
        self.rules.append((prefix, rule))

    def find(self, line: str) -> Callable[[Command], Answer] | None:
        fitting = [rule for prefix, rule in self.rules if line.startswith(prefix)]
        return fitting[-1] if fitting else None


class FakeNode:
    """One switch. ``legs`` are the channels it has: put some in; UuidKill takes them out, an originate puts one in.

    ``sent`` is every filter and command in the order in which they were sent.
    """

    def __init__(self, node_id: str = "node-1") -> None:
        self.node_id = NodeId(node_id)
        self.legs: dict[LegId, dict[str, str]] = {}
        self.commands: list[Command] = []
        self.sent: list[str] = []
        self.jobs: list[Command] = []
        self.executed: list[Execute] = []
        self.watched: set[LegId] = set()
        self.script = Script()
        self.results: dict[str, tuple[str, Mapping[str, str]]] = {}
        self._waiting = Waiting()
        self._is_up = True
        self._calls: set[asyncio.Future[str]] = set()
        self._running: list[Execute] = []
        self.now = _START
        self.on_up: list[Callable[[SwitchNode], None]] = []
        self.on_down: list[Callable[[SwitchNode], None]] = []

    # what a test does

    def answer(self, prefix: str, answer: Answer | Callable[[Command], Answer]) -> None:
        """From now on answer commands that start with ``prefix`` so (``uuid_bridge``, ``originate``)."""
        self.script.add(prefix, answer)

    def finish_at_once(
        self, application: str, response: str = "_none_", variables: Mapping[str, str] | None = None
    ) -> None:
        """From now on ``application`` ends as soon as it starts, with this result; others run until `finish`."""
        self.results[application] = (response, variables or {})

    def finish(self, leg: str, response: str = "_none_", variables: Mapping[str, str] | None = None) -> None:
        """End the oldest application that runs on ``leg``. Raises IndexError: none does."""
        running = [request for request in self._running if request.leg_id == leg]
        self._end(running[0], response, variables or {})

    def say(
        self,
        event_name: str,
        leg: str = "",
        headers: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        body: str = "",
    ) -> None:
        """An event of the switch, to all listeners at once. Of legs it also moves what the fake has."""
        event = switch_event(event_name, leg, headers, variables, at=self.now, body=body)
        if event_name == EventName.CHANNEL_CREATE:
            self.legs.setdefault(LegId(leg), {})
        elif event_name in (EventName.CHANNEL_HANGUP_COMPLETE, EventName.CHANNEL_DESTROY):
            self.legs.pop(LegId(leg), None)
        self.hear(event)

    def hear(self, event: SwitchEvent) -> None:
        """A ready-made event (of a transcript, for one)."""
        self._waiting.hear(event)

    def hang_up(self, leg: str, cause: str = "NORMAL_CLEARING", by: str = "recv_bye") -> None:
        """The leg ends, with the events of a real one."""
        ended = {"Hangup-Cause": cause, "Answer-State": "hangup"}
        self.say(EventName.CHANNEL_HANGUP, leg, ended)
        self.say(EventName.CHANNEL_HANGUP_COMPLETE, leg, ended, {"sip_hangup_disposition": by})
        self.say(EventName.CHANNEL_DESTROY, leg, ended)

    def go_down(self) -> None:
        """The link is lost: waiting commands fail, new ones are refused."""
        self._is_up = False
        for call in [call for call in self._calls if not call.done()]:
            call.set_exception(self._down())
        self._waiting.fail_all(self._down)
        for callback in tuple(self.on_down):
            callback(self)

    def go_up(self) -> None:
        """The link is back."""
        self._is_up = True
        for callback in tuple(self.on_up):
            callback(self)

    def told(self, kind: type[C]) -> list[C]:
        """The commands of one kind it was given, api and jobs together, in order."""
        return [command for command in self.commands if isinstance(command, kind)]

    # the port

    @property
    def is_up(self) -> bool:
        return self._is_up

    @property
    def state(self) -> LinkState:
        return LinkState(self._is_up, self.now, self.now if self._is_up else None)

    async def api(self, command: Command, timeout: float = 5.0) -> str:
        return agreed(await self._ask(command, timeout))

    async def job(self, command: Command, timeout: float, job_id: str | None = None) -> str:
        self.jobs.append(command)
        text = await self._ask(command, timeout)
        self.say(EventName.BACKGROUND_JOB, "", {"Job-UUID": job_id or new_id()}, body=text)
        return agreed(text)

    async def execute(
        self, leg: LegId, application: str, argument: str = "", *, timeout: float, event_id: str | None = None
    ) -> ApplicationEnded:
        request = Execute(leg, application, argument, event_id or new_id())
        encode(request)
        self._check_up()
        future = self._waiting.application(leg, request.event_id)
        try:
            self._run(request)
            async with asyncio.timeout(timeout):
                return await future
        except TimeoutError:
            raise self._down() from None
        finally:
            self._waiting.forget_application(request.event_id)

    async def start(self, leg: LegId, application: str, argument: str = "") -> str:
        request = Execute(leg, application, argument, new_id())
        encode(request)
        self._check_up()
        self._run(request)
        return request.event_id

    async def watch(self, leg: LegId) -> None:
        self.begin_watch(leg)
        self._check_up()

    def begin_watch(self, leg: LegId) -> None:
        if leg not in self.watched and self._is_up:
            self.sent.append(f"filter Unique-ID {leg}")
        self.watched.add(leg)

    async def unwatch(self, leg: LegId) -> None:
        self.watched.discard(leg)

    def listen(self, handler: Callable[[SwitchEvent], None]) -> Callable[[], None]:
        return self._waiting.listen(handler)

    async def exists(self, leg: LegId) -> bool:
        return await self.api(UuidExists(leg)) == "true"

    async def channels(self, leg: LegId | None = None) -> list[ChannelRow]:
        rows = channels_from_json(await self.api(ShowChannel(leg) if leg else ShowChannels()))
        # another leg's row may name this one in some column
        return [row for row in rows if leg in (None, row.leg_id)]

    # inside

    async def _ask(self, command: Command, timeout: float) -> str:
        line = command.render()
        self._check_up()
        self.commands.append(command)
        self.sent.append(line)
        rule = self.script.find(line)
        answer = rule(command) if rule else self._built_in(command)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            await asyncio.sleep(0)  # a real answer is never there at once
            return answer
        return await self._never(timeout)

    async def _never(self, timeout: float) -> str:
        call: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._calls.add(call)
        try:
            async with asyncio.timeout(timeout):
                return await call
        except TimeoutError:
            raise self._down() from None
        finally:
            self._calls.discard(call)

    def _built_in(self, command: Command) -> str:
        match command:
            case UuidExists(leg):
                return "true" if leg in self.legs else "false"
            case Originate():
                self.legs.setdefault(command.leg_id, {})
                return f"+OK {command.leg_id}\n"
            case UuidKill(leg):
                return "+OK\n" if self.legs.pop(leg, None) is not None else f"{NO_CHANNEL}\n"
            case ShowChannel(leg):
                found = [{"uuid": leg, **self.legs[leg]}] if leg in self.legs else []
                return orjson.dumps({"row_count": len(found), "rows": found}).decode()
            case ShowChannels():
                rows = [{"uuid": leg, **row} for leg, row in self.legs.items()]
                return orjson.dumps({"row_count": len(rows), "rows": rows}).decode()
        return "+OK\n"

    def _run(self, request: Execute) -> None:
        self.executed.append(request)
        if request.leg_id not in self.legs:
            raise LegGoneError(request.leg_id)
        self._running.append(request)
        if request.application in self.results:
            self._end(request, *self.results[request.application])

    def _end(self, request: Execute, response: str, variables: Mapping[str, str]) -> None:
        # by identity: comparing with the applications of hundreds of other legs would be most of a load test's time
        self._running = [one for one in self._running if one is not request]
        ended = {
            "Application": request.application,
            "Application-Data": request.argument,
            "Application-Response": response,
            "Application-UUID": request.event_id,
        }
        self.say(EventName.CHANNEL_EXECUTE_COMPLETE, request.leg_id, ended, variables)

    def _check_up(self) -> None:
        if not self._is_up:
            raise self._down()

    def _down(self) -> SwitchDown:
        return SwitchDown("switch.down", f"no event-socket link to node {self.node_id}", node_id=self.node_id)


class FakeSwitches:
    """Several fake nodes."""

    def __init__(self, *nodes: FakeNode) -> None:
        self._nodes = {node.node_id: node for node in nodes or (FakeNode(),)}

    def node(self, node_id: NodeId) -> SwitchNode:
        return self.fake(node_id)

    def fake(self, node_id: str) -> FakeNode:
        """The same node, with what a test does to it. Raises NotFound."""
        try:
            return self._nodes[NodeId(node_id)]
        except KeyError:
            raise NotFound("switch.unknown_node", f"there is no node {node_id}", node_id=node_id) from None

    def nodes(self) -> list[SwitchNode]:
        return list(self._nodes.values())

    def on_up(self, callback: Callable[[SwitchNode], None]) -> None:
        for node in self._nodes.values():
            node.on_up.append(callback)

    def on_down(self, callback: Callable[[SwitchNode], None]) -> None:
        for node in self._nodes.values():
            node.on_down.append(callback)
