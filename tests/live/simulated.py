"""People at the simulated switch."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from ipcc.sim.media import OWN_TONE_HZ, PARTNER_TONE_HZ
from ipcc.sim.outputs import Output, PhoneCancelled, PhoneHungUp, PhoneInvited, PlaybackStarted, SimEvent
from ipcc.sim.people import Caller, PhoneScript
from ipcc.sim.switch import SimSwitch
from tests.live.people import End, Heard

KEY_S = 0.12
ANYBODY = "*"


class SimLine:
    """A call on the simulated switch. ``hears_when_joined`` is who the other side is."""

    def __init__(self, switch: SimSwitch, uuid: str, hears_when_joined: Heard, shown_name: str = "") -> None:
        self.uuid = uuid
        self.shown_name = shown_name
        self.ended: End | None = None
        self.is_played_to = False
        self._was_answered = False
        self._switch = switch
        self._hears_when_joined = hears_when_joined

    @property
    def is_answered(self) -> bool:
        channel = self._switch.engine.kernel.find(self.uuid)
        self._was_answered = self._was_answered or (channel is not None and channel.answer_state == "answered")
        return self._was_answered

    @property
    def end(self) -> End | None:
        return self.ended

    async def press(self, digits: str, *, by_info: bool = False) -> None:
        for digit in digits:
            self._switch.engine.phones.press(self.uuid, digit, by_info=by_info)
            await asyncio.sleep(KEY_S)

    async def hear(self) -> Heard:
        channel = self._switch.engine.kernel.find(self.uuid)
        if channel is None or not self.is_answered:
            return Heard.NOTHING
        if channel.bridged_to:
            return self._hears_when_joined
        # keys may be awaited in silence, but a prompt came before
        plays = {"playback", "play_and_get_digits"}
        return Heard.SOUND if channel.application[0] in plays and self.is_played_to else Heard.NOTHING

    async def speak(self, *, speaks: bool = True) -> None:
        self._switch.engine.phones.speak(self.uuid, speaks=speaks)

    async def hang_up(self) -> None:
        if self.ended is None:
            self.ended = End.HUNG_UP
            self._switch.api("sim_hangup", self.uuid)


class SimPhone:
    """A phone known to the simulated switch."""

    def __init__(self, switch: SimSwitch, number: str) -> None:
        self.lines: list[SimLine] = []
        self._switch = switch
        self._number = number
        self.behave(PhoneScript(number, answer_after_s=None))

    def behave(self, script: PhoneScript) -> None:
        self._switch.set_phone(replace(script, number=self._number))

    async def register(self) -> None:
        assert self._switch.register(self._number)

    async def unregister(self) -> None:
        self._switch.unregister(self._number)


class SimPeople:
    """Callers, phones and far ends of one simulated switch, by the switch's own scripted people."""

    caller_hz = PARTNER_TONE_HZ
    agent_hz = OWN_TONE_HZ

    def __init__(self, switch: SimSwitch, trunk: str) -> None:
        self._switch = switch
        self._trunk = trunk
        self._phones: dict[str, SimPhone] = {}
        self._lines: dict[str, SimLine] = {}
        switch.add_listener(self._hear)

    async def call(self, number: str, dialled: str, name: str = "") -> SimLine:
        says_s = None if self.caller_hz else 0.0
        caller = Caller(number, dialled, name, variables={"ipcc_trunk": self._trunk}, says_s=says_s)
        uuid = self._switch.place_call(caller)
        assert uuid is not None, "the switch refused the call"
        return self._lines.setdefault(uuid, SimLine(self._switch, uuid, Heard.AGENT))

    async def phone(self, number: str, hertz: int = 0) -> SimPhone:
        if number not in self._phones:
            self._phones[number] = SimPhone(self._switch, number)
        return self._phones[number]

    async def far_end(self) -> SimPhone:
        return await self.phone(ANYBODY)

    async def close(self) -> None:
        for line in self._lines.values():
            await line.hang_up()

    def _hear(self, output: Output) -> None:
        match output:
            case PhoneInvited(uuid=uuid, user=user):
                phone = self._phones.get(user) or self._phones.get(ANYBODY)
                hears = Heard.CALLER if user in self._phones else Heard.SOUND
                shown = re.sub(r"\\(.)", r"\1", output.caller_name)
                line = self._lines[uuid] = SimLine(self._switch, uuid, hears, shown)
                if phone:
                    phone.lines.append(line)
            case PhoneCancelled(uuid=uuid) if uuid in self._lines:
                self._lines[uuid].ended = self._lines[uuid].ended or End.CANCELLED
            case PhoneHungUp(uuid=uuid, sip_code=code) if uuid in self._lines:
                line = self._lines[uuid]
                line.ended = line.ended or (End.BYE if code == 200 else End.REFUSED)
            case SimEvent(name="CHANNEL_DESTROY", headers=headers) if str(headers.get("Unique-ID")) in self._lines:
                # the switch told its end to this phone neither by CANCEL nor by BYE: it was the phone's own doing
                line = self._lines[str(headers["Unique-ID"])]
                line.ended = line.ended or (End.HUNG_UP if line.is_answered else End.REFUSED)
            case PlaybackStarted(uuid=uuid):
                self._lines.setdefault(uuid, SimLine(self._switch, uuid, Heard.AGENT)).is_played_to = True
