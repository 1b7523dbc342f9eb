"""An engine as the event socket sees it: every command brings the time up to date first and lets the switch go on after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ipcc.sim.channels import Message
from ipcc.sim.engine import Engine
from ipcc.sim.outputs import HeaderValue, Pending


class Pacing(Protocol):
    """Whoever moves the engine's time."""

    def catch_up(self) -> None:
        """Bring the engine to now, so that a command never overtakes an event."""

    def go_on(self) -> None:
        """Carry on soon, after the reply of this command has been written."""


class CommandedEngine:
    """The commands of ``esl_session.Switch``."""

    def __init__(self, engine: Engine, pacing: Pacing) -> None:
        self.engine = engine
        self._pacing = pacing

    def api(self, command: str, argument: str) -> str | Pending:
        """Run an api command."""
        self._pacing.catch_up()
        answer = self.engine.api(command, argument)
        self._pacing.go_on()
        return answer

    def bgapi(self, command: str, argument: str, job_uuid: str) -> None:
        self._pacing.catch_up()
        self.engine.bgapi(command, argument, job_uuid)
        self._pacing.go_on()

    def execute(self, uuid: str, message: Message) -> str:
        """A ``sendmsg … execute``."""
        self._pacing.catch_up()
        reply = self.engine.execute(uuid, message)
        self._pacing.go_on()
        return reply

    def hang_up(self, uuid: str, cause: str) -> str:
        """A ``sendmsg … hangup``."""
        self._pacing.catch_up()
        reply = self.engine.hang_up(uuid, cause)
        self._pacing.go_on()
        return reply

    def send_event(self, name: str, fields: Sequence[tuple[str, str]], body: str | None) -> None:
        self._pacing.catch_up()
        self.engine.send_event(name, fields, body)
        self._pacing.go_on()

    def variable(self, uuid: str, name: str) -> str | None:
        return self.engine.variable(uuid, name)

    def channel_data(self, uuid: str) -> Mapping[str, HeaderValue] | None:
        return self.engine.channel_data(uuid)

    def control_began(self, uuid: str) -> None:
        self._pacing.catch_up()
        self.engine.control_began(uuid)
        self._pacing.go_on()

    def control_refused(self, uuid: str) -> None:
        self._pacing.catch_up()
        self.engine.control_refused(uuid)
        self._pacing.go_on()

    def control_ended(self, uuid: str, *, is_resumed: bool) -> None:
        self._pacing.catch_up()
        self.engine.control_ended(uuid, is_resumed=is_resumed)
        self._pacing.go_on()

    def control_lingers(self, uuid: str, *, lingers: bool) -> None:
        self.engine.control_lingers(uuid, lingers=lingers)
