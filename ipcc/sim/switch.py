"""The simulated switch running: an engine on the event loop's time, its people, its recordings, its listeners."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ipcc.clock import Clock, SystemClock
from ipcc.sim import fax
from ipcc.sim.commanded import CommandedEngine
from ipcc.sim.engine import Engine, InboundCall
from ipcc.sim.outputs import Output, Pending
from ipcc.sim.people import Caller, Move, People, PhoneScript
from ipcc.sim.recorder import Recorder
from ipcc.sim.settings import EngineSettings

_WRITE_EVERY_S = 5.0


@dataclass(frozen=True)
class SwitchOptions:
    """How a simulated switch runs.

    ``speed`` lets its time pass faster than the machine's; ``files_root`` puts every file the switch writes below a folder
    (None: at the very path it is told).
    """

    speed: float = 1.0
    files_root: Path | None = None
    clock: Clock | None = None


class SimSwitch(CommandedEngine):
    """One switch: started, driven by its own time, heard by its listeners. Satisfies ``esl_server.Shell``."""

    def __init__(self, settings: EngineSettings, options: SwitchOptions | None = None) -> None:
        self._options = options or SwitchOptions()
        clock = self._options.clock or SystemClock()
        self._epoch = clock.now().timestamp()
        super().__init__(Engine(settings, self._epoch), self)
        self.people = People()
        self._recorder = Recorder(self.engine.kernel, self._options.files_root)
        self._listeners: list[Callable[[Output], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._zero = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._is_pumping = False
        self._is_frozen = False
        self._untold: deque[Output] = deque()
        self._next_write = self._epoch + _WRITE_EVERY_S
        self._simulated: dict[str, Callable[[str], str]] = {
            "sim_call": self._sim_call,
            "sim_phone": self._sim_phone,
            "sim_register": self._sim_register,
            "sim_unregister": self._sim_unregister,
            "sim_digits": self._sim_digits,
            "sim_hangup": self._sim_hangup,
            "sim_state": self._sim_state,
        }

    # --- running -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Let its time pass from now on."""
        self._loop = asyncio.get_running_loop()
        self._zero = self._loop.time()
        self._pump()

    async def stop(self) -> None:
        """Stand still; calls in progress are just gone, as with a switch that crashed."""
        self._is_frozen = True
        if self._timer:
            self._timer.cancel()
        self._recorder.close()

    def now(self) -> float:
        """The switch's clock, in seconds since 1970."""
        if self._loop is None:
            return self._epoch
        return self._epoch + (self._loop.time() - self._zero) * self._options.speed

    def delay(self, when: float) -> float:
        """Seconds of the machine until the switch's clock shows ``when``, 0 when it has."""
        return max(when - self.now(), 0.0) / self._options.speed

    def add_listener(self, hear: Callable[[Output], None]) -> None:
        """Call ``hear`` with everything that leaves the switch."""
        self._listeners.append(hear)

    def freeze(self) -> None:
        """Stop everything: no answer, no event, no call moves, until ``thaw`` (fact 7)."""
        self._is_frozen = True

    def thaw(self) -> None:
        """Go on; what should have happened meanwhile happens now."""
        self._is_frozen = False
        self._pump()

    def _pump(self) -> None:
        """Let everything happen that is due, tell everybody, and come back when there is more."""
        if self._is_pumping or self._is_frozen or self._loop is None:
            return
        self._is_pumping = True
        try:
            while self._step():
                pass
        finally:
            self._is_pumping = False
        self._set_timer()

    def _step(self) -> bool:
        """One round; True if it gave cause for another."""
        now = self.now()
        self.engine.advance(now)
        if now >= self._next_write:
            self._next_write = now + _WRITE_EVERY_S
            self._recorder.write()
        outputs = self.engine.take()
        # a file is complete before its RECORD_STOP is told (mod_sndfile closes first)
        for output in outputs:
            self._recorder.hear(output)
        self._untold.extend(outputs)
        while self._untold and not self._is_frozen:
            output = self._untold.popleft()
            self.people.hear(output, now)
            for hear in list(self._listeners):
                hear(output)
        if self._is_frozen:
            return False  # the rest is told after the thaw
        moves = self.people.take(now)
        for move in moves:
            self._carry_out(move)
        return bool(outputs or moves)

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._loop is None or self._is_frozen:
            return
        times = [at for at in (self.engine.next_due(), self.people.next_due()) if at is not None]
        if not times:
            return
        self._timer = self._loop.call_later(self.delay(min(times)), self._pump)

    def _carry_out(self, move: Move) -> None:
        phones = self.engine.phones
        if move.kind == "refuse":
            phones.refuse(move.uuid, move.code)
        elif move.kind == "press":
            phones.press(move.uuid, move.digit, by_info=move.by_info)
        else:
            moves: dict[str, Callable[[str], None]] = {
                "ring": phones.ring,
                "progress": phones.progress,
                "answer": phones.answer,
                "unreachable": phones.be_unreachable,
                "fax": lambda uuid: fax.start_machine(self.engine.kernel.find(uuid)),
                "speak": phones.speak,
                "fall_silent": lambda uuid: phones.speak(uuid, speaks=False),
                "hang_up": phones.hang_up,
            }
            moves[move.kind](move.uuid)

    def catch_up(self) -> None:
        """Bring the engine to now before something is asked of it, so that a command never overtakes an event."""
        if not self._is_frozen:
            self.engine.advance(self.now())

    # --- people --------------------------------------------------------------------------------------------------

    def place_call(self, caller: Caller) -> str | None:
        """Let somebody call: the uuid of the channel, None if the switch refused the call."""
        self.catch_up()
        uuid = self.engine.phones.invite(
            InboundCall(
                caller_number=caller.number,
                dialled=caller.dialled,
                caller_name=_quoted(caller.name),
                profile=caller.profile,
                context=caller.context,
                address=caller.address,
                sip_headers=caller.sip_headers,
                variables=caller.variables,
            )
        )
        if uuid is not None:
            self.people.watch(uuid, caller, self.now())
        self._pump()
        return uuid

    def set_phone(self, script: PhoneScript) -> None:
        """What a phone does from its next call on."""
        self.people.set_phone(script)

    def register(self, user: str, address: str = "", expires_s: int = 3600) -> bool:
        """A phone registers; without an address it gets one of its own."""
        self.catch_up()
        done = self.engine.phones.register(user, address or f"127.0.0.1:{_port_of(user)}", expires_s)
        self._pump()
        return done

    def unregister(self, user: str) -> None:
        self.catch_up()
        self.engine.phones.unregister(user)
        self._pump()

    def api(self, command: str, argument: str) -> str | Pending:
        """Run an api command; the ``sim_…`` ones move people instead."""
        simulated = self._simulated.get(command.lower())
        if simulated is None:
            return super().api(command, argument)
        self.catch_up()
        answer = simulated(argument)
        self.go_on()
        return answer

    def go_on(self) -> None:
        """Carry on after the reply of this command has been written."""
        if self._loop is not None:
            self._loop.call_soon(self._pump)

    # --- commands only a simulated switch has --------------------------------------------------------------------

    def _sim_call(self, argument: str) -> str:
        try:
            caller = TypeAdapter(Caller).validate_json(argument)
        except ValidationError as error:
            return _complaint(error)
        uuid = self.place_call(caller)
        return f"+OK {uuid}\n" if uuid else "-ERR refused\n"

    def _sim_phone(self, argument: str) -> str:
        try:
            self.set_phone(TypeAdapter(PhoneScript).validate_json(argument))
        except ValidationError as error:
            return _complaint(error)
        return "+OK\n"

    def _sim_register(self, argument: str) -> str:
        user, _, address = argument.strip().partition(" ")
        return "+OK\n" if self.register(user, address) else "-ERR no such user\n"

    def _sim_unregister(self, argument: str) -> str:
        self.unregister(argument.strip())
        return "+OK\n"

    def _sim_digits(self, argument: str) -> str:
        uuid, _, digits = argument.strip().partition(" ")
        for digit in digits:
            self.engine.phones.press(uuid, digit)
        return "+OK\n"

    def _sim_hangup(self, argument: str) -> str:
        uuid, _, cause = argument.strip().partition(" ")
        self.engine.phones.hang_up(uuid, cause or "NORMAL_CLEARING")
        return "+OK\n"

    def _sim_state(self, argument: str) -> str:
        del argument
        kernel = self.engine.kernel
        state: dict[str, Any] = {
            "now": self.now(),
            "channels": [
                {
                    "uuid": channel.uuid,
                    "name": channel.name,
                    "state": channel.running.name,
                    "answer_state": channel.answer_state,
                    "application": channel.application[0],
                    "bridged_to": channel.bridged_to,
                }
                for channel in kernel.channels.values()
            ],
            "registrations": [asdict(entry) for entry in kernel.registrar.entries.values()],
        }
        return json.dumps(state, ensure_ascii=False) + "\n"


def _port_of(user: str) -> int:
    digits = "".join(char for char in user if char.isdigit())
    return 20000 + int(digits or "0") % 20000


def _complaint(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"-ERR {place}: {first['msg']}\n"


def _quoted(name: str) -> str:
    """As a telephone writes a name between double quotes (RFC 3261, 25.1); the switch keeps the backslashes."""
    return name.replace("\\", "\\\\").replace('"', '\\"')
