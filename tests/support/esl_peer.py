"""A scripted event socket over TCP: what the links and nodes are tested against where a whole simulator would be too good.

It keeps the framing, the order of answers, subscriptions and filters of the real one, and can be bad on purpose: stop
reading, stop answering, cut, refuse, greet wrongly.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ipcc.esl.fake import event_text
from ipcc.esl.link import LinkError
from ipcc.esl.port import LinkCounters, NodeAddress
from ipcc.esl.wire import SwitchEvent
from ipcc.ids import NodeId

GREETING = b"Content-Type: auth/request\n\n"
RUDE = b"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n"
PASSWORD = "secret"
Rule = Callable[[str], str | None]


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


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    events: set[str] = field(default_factory=set)
    filters: list[tuple[str, str]] = field(default_factory=list)
    is_stuck: bool = False

    def wants(self, name: str, headers: Mapping[str, str]) -> bool:
        if name not in self.events and "ALL" not in self.events:
            return False
        return not self.filters or any(
            headers.get(header, "").lower() == value.lower() for header, value in self.filters
        )


class EslPeer:
    """The peer. ``script``: command prefix to the text of its answer; None: never answered."""

    def __init__(self, password: str = PASSWORD) -> None:
        self.password = password
        self.greeting: bytes | None = GREETING
        """None: accepts and says nothing."""
        self.legs: set[str] = set()
        self.lines: list[str] = []
        self.messages: list[dict[str, str]] = []
        self.clients: list[Client] = []
        self.accepted = 0
        self.is_frozen = False
        self.is_deaf = asyncio.Event()
        self.port = 0
        self._rules: list[tuple[str, Rule]] = []
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    # life

    async def start(self) -> None:
        self.is_deaf.clear()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self.cut()
            self.is_deaf.set()
            if self._talks:
                await asyncio.wait(self._talks)
            await self._server.wait_closed()
            self._server = None

    def cut(self) -> None:
        """End every connection without a word."""
        for client in self.clients:
            client.writer.transport.abort()
        self.clients.clear()

    def freeze(self) -> None:
        """From now on neither read nor answer: a half-open connection, or a switch that hangs."""
        self.is_frozen = True

    async def thaw(self) -> None:
        self.is_frozen = False
        self.cut()

    def address(self, password: str | None = None) -> NodeAddress:
        return NodeAddress(NodeId("node-1"), "127.0.0.1", self.port, self.password if password is None else password)

    # script

    def answer(self, prefix: str, answer: str | Rule | None) -> None:
        self._rules.append((prefix, answer if callable(answer) else lambda _: answer))

    def say(
        self,
        name: str,
        leg: str = "",
        headers: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        body: str = "",
    ) -> None:
        text = event_text(name, leg, headers, variables, body=body)
        frame = b"Content-Length: %d\nContent-Type: text/event-plain\n\n%b" % (len(text), text)
        known = {"Event-Name": name, **({"Unique-ID": leg} if leg else {}), **(headers or {})}
        for client in self.clients:
            if client.wants(name, known):
                client.writer.write(frame)

    def send_raw(self, data: bytes) -> None:
        for client in self.clients:
            client.writer.write(data)

    # protocol

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._talks.add(task)
            task.add_done_callback(self._talks.discard)
        self.accepted += 1
        client = Client(reader, writer)
        self.clients.append(client)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            if self.greeting is None:
                await self.is_deaf.wait()
                return
            writer.write(self.greeting)
            if self.greeting == GREETING:
                await self._converse(client)
        if client in self.clients:
            self.clients.remove(client)
        writer.close()

    async def _converse(self, client: Client) -> None:
        is_let_in = False
        while True:
            if self.is_frozen or client.is_stuck:
                await self.is_deaf.wait()
                return
            head = (await client.reader.readuntil(b"\n\n")).decode().strip("\n")
            if self.is_frozen:
                continue
            lines = head.split("\n")
            if not is_let_in:
                is_let_in = lines[0] == f"auth {self.password}"
                _reply(client, "+OK accepted" if is_let_in else "-ERR invalid")
                if not is_let_in:
                    return
                continue
            headers = dict(line.split(": ", 1) for line in lines[1:])
            if length := int(headers.get("Content-Length", 0)):
                headers["_body"] = (await client.reader.readexactly(length)).decode()
            self.lines.append(lines[0])
            self._obey(client, lines[0], headers)

    def _obey(self, client: Client, line: str, headers: dict[str, str]) -> None:
        verb, _, rest = line.partition(" ")
        act = {"api": self._api, "bgapi": self._bgapi, "sendmsg": self._sendmsg, "filter": self._filter}.get(verb)
        if act is not None:
            act(client, rest, headers)
        elif verb == "event":
            client.events.update(rest.split()[1:])
            _reply(client, "+OK event listener enabled plain")
        else:
            _reply(client, "-ERR command not found")

    def _api(self, client: Client, command: str, headers: dict[str, str]) -> None:
        answer = self._answer(command)
        if answer is None:
            client.is_stuck = True  # api holds its connection until it is done
        else:
            data = answer.encode()
            client.writer.write(b"Content-Type: api/response\nContent-Length: %d\n\n%b" % (len(data), data))

    def _bgapi(self, client: Client, command: str, headers: dict[str, str]) -> None:
        job = headers["Job-UUID"]
        _reply(client, f"+OK Job-UUID: {job}", f"Job-UUID: {job}\n")
        answer = self._answer(command)
        if answer is not None:
            self.say("BACKGROUND_JOB", "", {"Job-UUID": job, "Job-Command": command.split()[0]}, body=answer)

    def _sendmsg(self, client: Client, leg: str, headers: dict[str, str]) -> None:
        if leg not in self.legs:
            _reply(client, f"-ERR invalid session id [{leg}]")
            return
        self.messages.append({"leg": leg, **headers})
        _reply(client, "+OK")

    def _filter(self, client: Client, rest: str, headers: dict[str, str]) -> None:
        words = rest.split(" ", 2)
        if words[0] == "delete":
            with contextlib.suppress(ValueError):
                client.filters.remove((words[1], words[2]))
            _reply(client, f"+OK filter deleted. [{words[1]}][{words[2]}]")
            return
        client.filters.append((words[0], rest.split(" ", 1)[1]))
        _reply(client, f"+OK filter added. [{words[0]}]=[{words[1]}]")

    def _answer(self, command: str) -> str | None:
        for prefix, rule in reversed(self._rules):
            if command.startswith(prefix):
                return rule(command)
        return self._built_in(command)

    def _built_in(self, command: str) -> str:
        words = command.split()
        if words[0] == "uuid_exists":
            return "true" if words[1] in self.legs else "false"
        if words[0] == "uuid_kill":
            if words[1] not in self.legs:
                return "-ERR No such channel!\n"
            self.legs.discard(words[1])
        if words[:2] == ["show", "channels"]:
            rows = [{"uuid": leg} for leg in self.legs]
            return json.dumps({"row_count": len(rows), "rows": rows}) if rows else '{"row_count": 0}\n'
        return "+OK\n"


def _reply(client: Client, text: str, more: str = "") -> None:
    client.writer.write(f"Content-Type: command/reply\nReply-Text: {text}\n{more}\n".encode())
