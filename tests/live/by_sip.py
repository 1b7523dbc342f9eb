"""People by SIP and RTP: for a real switch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ipcc.sim.people import PhoneScript
from tests.live.people import End, Heard
from tests.live.telephone import sound
from tests.live.telephone.call import Call
from tests.live.telephone.digest import Credentials
from tests.live.telephone.message import display_of
from tests.live.telephone.phone import SipPhone

CALLER_HZ, AGENT_HZ = 1010, 1430


@dataclass(frozen=True)
class SipSite:
    """Where a switch takes and makes calls, asked of itself, and the passwords of its phones."""

    phones: tuple[str, int]
    trunks: tuple[str, int]
    gateway: tuple[str, int]
    domain: str
    passwords: Mapping[str, str] = field(repr=False)


class SipLine:
    """A call by SIP."""

    def __init__(self, call: Call) -> None:
        self.call = call

    @property
    def is_answered(self) -> bool:
        return self.call.answered_at is not None

    @property
    def end(self) -> End | None:
        if self.call.end.startswith("refused"):
            return End.REFUSED
        return End(self.call.end) if self.call.end else None

    @property
    def shown_name(self) -> str:
        return display_of(self.call.invite.get("from"))

    async def press(self, digits: str, *, by_info: bool = False) -> None:
        await (self.call.press(digits) if by_info else self.call.stream.press(digits))

    async def hear(self) -> Heard:
        samples = await self.call.stream.hear()
        if sound.is_heard(samples, AGENT_HZ):
            return Heard.AGENT
        if sound.is_heard(samples, CALLER_HZ):
            return Heard.CALLER
        return Heard.SOUND if sound.is_sound(samples) else Heard.NOTHING

    async def speak(self, *, speaks: bool = True) -> None:
        self.call.stream.is_silent = not speaks

    async def hang_up(self) -> None:
        await self.call.hang_up()


class RegisteredPhone:
    """An agent's phone, or a far end, which needs no registration."""

    def __init__(self, phone: SipPhone, who: Credentials, domain: str) -> None:
        self.sip = phone
        self._who = who
        self._domain = domain
        self._is_registered = False

    @property
    def lines(self) -> list[SipLine]:
        return [SipLine(call) for call in self.sip.calls]

    def behave(self, script: PhoneScript) -> None:
        self.sip.script = script

    async def register(self, expires_s: int = 120) -> None:
        """Sign on for so long."""
        code = await self.sip.register(self._who, self._domain, expires_s)
        if code != 200:
            raise AssertionError(f"the switch refused the registration of {self._who.user}: {code}")
        self._is_registered = True

    async def unregister(self) -> None:
        await self.sip.register(self._who, self._domain, 0)
        self._is_registered = False

    async def close(self) -> None:
        """Sign off and go."""
        if self._is_registered:
            await self.unregister()
        await self.sip.close()


class SipPeople:
    """Callers, phones and far ends around one switch."""

    caller_hz = CALLER_HZ
    agent_hz = AGENT_HZ

    def __init__(self, site: SipSite) -> None:
        self.site = site
        self._callers: list[SipPhone] = []
        self._phones: dict[str, RegisteredPhone] = {}

    async def call(self, number: str, dialled: str, name: str = "") -> SipLine:
        phone = SipPhone(number, self.site.trunks, self.caller_hz)
        self._callers.append(phone)
        await phone.open()
        return SipLine(await phone.call(dialled, number, name.replace("\\", "\\\\").replace('"', '\\"')))

    async def phone(self, number: str, hertz: int = 0) -> RegisteredPhone:
        if number not in self._phones:
            phone = SipPhone(number, self.site.phones, hertz or AGENT_HZ, PhoneScript(number, answer_after_s=None))
            await phone.open()
            who = Credentials(number, self.site.passwords[number])
            self._phones[number] = RegisteredPhone(phone, who, self.site.domain)
        return self._phones[number]

    async def far_end(self) -> RegisteredPhone:
        if "" not in self._phones:
            phone = SipPhone("customer", self.site.trunks, CALLER_HZ, PhoneScript("", answer_after_s=None))
            await phone.open(*self.site.gateway)
            self._phones[""] = RegisteredPhone(phone, Credentials("", ""), "")
        return self._phones[""]

    async def free_far_end(self) -> None:
        """Nobody is at the gateway's address any more."""
        phone = self._phones.pop("", None)
        if phone is not None:
            await phone.close()

    async def close(self) -> None:
        for caller in self._callers:
            await caller.close()
        for phone in self._phones.values():
            await phone.close()
