"""The simulated switch as one pure object: commands, phones and time go in, events and SIP moves come out.

No socket, no thread, no wall clock: ``now`` is passed in (seconds since 1970). What it does is what FreeSWITCH 1.10.12 was
recorded doing (tests/traces); the shell around it is ``ipcc.sim.switch``.
"""

from __future__ import annotations

from collections.abc import Sequence

from ipcc.sim import background, headers, sip
from ipcc.sim.api import show
from ipcc.sim.api.dialling import USAGE, read_order
from ipcc.sim.api.dialling import run as run_order
from ipcc.sim.api.table import COMMANDS
from ipcc.sim.api_text import TextApi
from ipcc.sim.applications.table import APPLICATIONS
from ipcc.sim.channels import Message
from ipcc.sim.contacts import Contacts
from ipcc.sim.kernel import Kernel
from ipcc.sim.outputs import ApiDone, HeaderValue, Output, Pending
from ipcc.sim.own_calls import OwnCalls
from ipcc.sim.phones import Phones
from ipcc.sim.registrations import Registrar
from ipcc.sim.settings import EngineSettings
from ipcc.sim.states import Control, Flag
from ipcc.sim.timeline import Steps, Thread, Timeline

InboundCall = sip.InboundCall


class Engine:
    """One switch; ``phones`` is the side people are on."""

    def __init__(self, settings: EngineSettings, now: float) -> None:
        self._kernel = Kernel(settings, Timeline(now), Registrar(), applications=APPLICATIONS)
        self._kernel.run_api = self._run_api_now
        self._kernel.globals.update(settings.dialplan.variables)
        self._text = TextApi(self._kernel)
        self._contacts = Contacts(self._kernel)
        self.phones = Phones(self._kernel, self._contacts)
        self._kernel.invite_self = OwnCalls(self._kernel, self.phones).invite
        self._tickets = 0
        background.start(self._kernel)

    @property
    def kernel(self) -> Kernel:
        """The switch's inside, for those who replay recordings and for tests that look."""
        return self._kernel

    # --- time and what comes out ---------------------------------------------------------------------------------

    def advance(self, now: float) -> None:
        """Let everything happen that is due by ``now``."""
        self._kernel.timeline.advance(now)

    def next_due(self) -> float | None:
        """When ``advance`` or ``take`` has something to do next."""
        return self._kernel.now if self._kernel.has_outputs else self._kernel.timeline.next_due()

    def take(self) -> list[Output]:
        """What has come out since the last call."""
        return self._kernel.take()

    # --- commands ------------------------------------------------------------------------------------------------

    def api(self, command: str, argument: str) -> str | Pending:
        """Run an api command. ``originate`` answers later, by an ``ApiDone`` with the ticket of the ``Pending``."""
        if command.lower() == "originate":
            return self._originate(argument)
        text = self._answer(command, argument)
        self._kernel.fire("API", _api_fields(command, argument))
        return text

    def bgapi(self, command: str, argument: str, job_uuid: str) -> None:
        """Run an api command whose answer is a BACKGROUND_JOB event, after the reply and on the next frame at the earliest."""

        def done(text: str) -> None:
            self._job_done(command, argument, job_uuid, text)

        def run() -> None:
            if command.lower() == "originate":
                order = read_order(argument)
                if order is not None:
                    self._start(run_order(self._kernel, order, done))
                    return
                done(USAGE)
                return
            done(self._answer(command, argument))

        self._kernel.timeline.at(self._kernel.now, run)

    def _originate(self, argument: str) -> str | Pending:
        order = read_order(argument)
        if order is None:
            return USAGE
        self._tickets += 1
        ticket = self._tickets
        self._start(run_order(self._kernel, order, lambda text: self._kernel.put(ApiDone(ticket, text))))
        return Pending(ticket)

    def _start(self, steps: Steps) -> None:
        """Let a program run beside the sessions."""
        Thread(self._kernel.timeline, steps).start()

    def _answer(self, command: str, argument: str) -> str:
        name = command.lower()
        if name in COMMANDS:
            text: str | None = COMMANDS[name](self._kernel, argument)
        elif name == "sofia_contact":
            text = self._contacts.answer(argument)
        else:
            text = show.show(self._kernel, argument) if name == "show" else None
            text = text if text is not None else self._text.answer(name, argument)
        if text is None:
            return f"-ERR {command} Command not found!\n"
        return text or "-ERR no reply\n"

    def _run_api_now(self, command: str, argument: str) -> str:
        """An api command inside the switch: in a ``${command(…)}``, a hook variable or the scheduler."""
        if command.lower() == "originate":
            order = read_order(argument)
            if order is not None:
                self._start(run_order(self._kernel, order, lambda text: None))
            return ""
        return self._answer(command, argument)

    def _job_done(self, command: str, argument: str, job_uuid: str, text: str) -> None:
        fields: dict[str, HeaderValue] = {"Job-UUID": job_uuid, "Job-Command": command}
        if argument:
            fields["Job-Command-Arg"] = argument
        self._kernel.fire("BACKGROUND_JOB", fields, body=text)

    def execute(self, uuid: str, message: Message) -> str:
        """``sendmsg``: queue a command on a channel; only the uuid is checked (fact 13)."""
        channel = self._kernel.find(uuid)
        if channel is None:
            dead = self._kernel.channels.get(uuid)
            # the server that lingers on a dead call is still told +OK (04g)
            return "+OK" if dead and dead.has(Flag.LINGER) else f"-ERR invalid session id [{uuid}]"
        channel.messages.append(message)
        channel.wake()
        return "+OK"

    def hang_up(self, uuid: str, cause: str) -> str:
        """``sendmsg … hangup``: queued like any command of sendmsg."""
        return self.execute(uuid, Message("hangup", cause=cause))

    def send_event(self, name: str, fields: Sequence[tuple[str, str]], body: str | None) -> None:
        """A client's own event, to whoever listens."""
        told: dict[str, HeaderValue] = {
            "Event-Calling-File": "mod_event_socket.c",
            "Event-Calling-Function": "parse_command",
        }
        told.update(fields)
        subclass = told.pop("Event-Subclass", None)
        known = name.partition(" ")[0].upper()
        known = known if known in headers.CALLING or known in headers.OTHER_EVENTS else "CUSTOM"
        self._kernel.fire(known, told, subclass if isinstance(subclass, str) else None, body)

    # --- outbound event socket -----------------------------------------------------------------------------------

    def control_began(self, uuid: str) -> None:
        """The connection SocketWanted asked for stands."""
        self._set_control(uuid, Control.STANDS)

    def control_refused(self, uuid: str) -> None:
        """The connection SocketWanted asked for could not be made: the dialplan goes on in the same moment (fact 18)."""
        self._set_control(uuid, Control.ENDED)

    def control_ended(self, uuid: str, *, is_resumed: bool) -> None:
        """The server that controlled the call has gone away: what runs plays on, then the dialplan continues (fact 18)."""
        del is_resumed
        self.control_lingers(uuid, lingers=False)
        channel = self._kernel.find(uuid)
        if channel is not None and channel.control is not Control.NONE:
            channel.flags.discard(Flag.CONTROLLED)
            self._set_control(uuid, Control.ENDED)

    def _set_control(self, uuid: str, control: Control) -> None:
        channel = self._kernel.find(uuid)
        if channel is not None and channel.thread:
            channel.control = control
            channel.thread.wake(at_once=control is not Control.ENDED or not channel.messages)

    def control_lingers(self, uuid: str, *, lingers: bool) -> None:
        """Keep the dead channel until the server is gone (fact 17)."""
        channel = self._kernel.channels.get(uuid)
        if channel is None or lingers == channel.has(Flag.LINGER):
            return
        if lingers:
            channel.flags.add(Flag.LINGER)
            channel.lock()
        else:
            channel.flags.discard(Flag.LINGER)
            channel.unlock()

    def variable(self, uuid: str, name: str) -> str | None:
        """A channel variable or caller-profile field, None if unset."""
        channel = self._kernel.channels.get(uuid)
        if channel is None:
            return None
        return channel.uuid if name == "uuid" else channel.var(name)

    def channel_data(self, uuid: str) -> dict[str, HeaderValue] | None:
        """What ``connect`` answers, None if there is no such channel."""
        channel = self._kernel.channels.get(uuid)
        return self._kernel.describe(channel) if channel else None


def _api_fields(command: str, argument: str) -> dict[str, HeaderValue]:
    fields: dict[str, HeaderValue] = {"API-Command": command}
    if argument:
        fields["API-Command-Argument"] = argument
    return fields
