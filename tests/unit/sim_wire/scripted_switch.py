"""A switch that only remembers what a connection asked of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ipcc.sim import esl_commands, wire
from ipcc.sim.channels import Message
from ipcc.sim.esl_session import Control, Outgoing, Session
from ipcc.sim.outputs import HeaderValue, Output, Pending, SimEvent


@dataclass
class ScriptedSwitch:
    """Answers ``echo``, knows the channels it was given, keeps the rest."""

    channels: dict[str, dict[str, str]] = field(default_factory=dict)
    executed: list[tuple[str, Message]] = field(default_factory=list)
    jobs: list[tuple[str, str, str]] = field(default_factory=list)
    sent: list[tuple[str, list[tuple[str, str]], str | None]] = field(default_factory=list)
    ended: list[tuple[str, bool]] = field(default_factory=list)
    lingering: dict[str, bool] = field(default_factory=dict)
    listeners: list[Callable[[Output], None]] = field(default_factory=list)
    is_frozen: bool = False
    time_s: float = 1_000_000.0
    began: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def api(self, command: str, argument: str) -> str | Pending:
        if command == "slow":
            return Pending(int(argument))
        return argument if command.lower() == "echo" else f"-ERR {command} Command not found!\n"

    def bgapi(self, command: str, argument: str, job_uuid: str) -> None:
        self.jobs.append((command, argument, job_uuid))

    def execute(self, uuid: str, message: Message) -> str:
        if uuid not in self.channels:
            return f"-ERR invalid session id [{uuid}]"
        self.executed.append((uuid, message))
        return "+OK"

    def hang_up(self, uuid: str, cause: str) -> str:
        return "+OK" if self.channels.pop(uuid, None) is not None else f"-ERR invalid session id [{uuid}]"

    def send_event(self, name: str, fields: Sequence[tuple[str, str]], body: str | None) -> None:
        self.sent.append((name, list(fields), body))

    def variable(self, uuid: str, name: str) -> str | None:
        return self.channels.get(uuid, {}).get(name)

    def channel_data(self, uuid: str) -> Mapping[str, wire.Value] | None:
        return {"Event-Name": "CHANNEL_DATA", "Channel-Name": "sofia/external/1@h", "Unique-ID": uuid}

    def control_ended(self, uuid: str, *, is_resumed: bool) -> None:
        self.ended.append((uuid, is_resumed))

    def control_lingers(self, uuid: str, *, lingers: bool) -> None:
        self.lingering[uuid] = lingers

    def control_began(self, uuid: str) -> None:
        self.began.append(uuid)

    def control_refused(self, uuid: str) -> None:
        self.refused.append(uuid)

    def now(self) -> float:
        return self.time_s

    def delay(self, when: float) -> float:
        return max(when - self.time_s, 0.0)

    def add_listener(self, hear: Callable[[Output], None]) -> None:
        self.listeners.append(hear)

    def freeze(self) -> None:
        self.is_frozen = True

    def thaw(self) -> None:
        self.is_frozen = False

    def put(self, output: Output) -> None:
        """Let something leave the switch."""
        for hear in self.listeners:
            hear(output)


def session(switch: ScriptedSwitch, control: Control | None = None, queue_events: int = 100) -> Session:
    """A connection to that switch."""
    numbers = iter(range(1, 1000))
    made = Session(
        switch=switch,
        run=esl_commands.run,
        new_uuid=lambda: f"uuid-{next(numbers)}",
        password="ClueCon",
        control=control,
        queue_events=queue_events,
    )
    made.open()
    return made


def event(
    name: str = "CHANNEL_ANSWER", subclass: str | None = None, body: str | None = None, **headers: str
) -> Outgoing:
    """An event to offer; ``_`` in a header name stands for ``-``."""
    pairs: dict[str, HeaderValue] = {key.replace("_", "-"): value for key, value in headers.items()}
    return Outgoing(SimEvent(name, subclass, {"Event-Name": name, **pairs}, body))
