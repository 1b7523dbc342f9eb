"""What phones and trunks do to the switch: calls arriving, and answers to the calls it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from ipcc.sim import causes, conference, digits, hold, session, signalling, sip
from ipcc.sim.channels import Channel, Digit
from ipcc.sim.contacts import NOBODY
from ipcc.sim.hangup import hang_up
from ipcc.sim.profiles import Profile, Times
from ipcc.sim.registrations import Sender
from ipcc.sim.states import Flag
from ipcc.sim.transfer import refer

if TYPE_CHECKING:
    from ipcc.sim.contacts import Contacts
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.sip import InboundCall


_CHALLENGES = (401, 407)


class Phones:
    """What people do to the switch, by the uuid of their leg; what no longer fits the leg's state does nothing."""

    def __init__(self, kernel: Kernel, contacts: Contacts) -> None:
        self._kernel = kernel
        self._contacts = contacts

    def invite(self, call: InboundCall) -> str | None:
        """A call arrives from a trunk or a phone: the uuid of its channel, None if the switch refuses it (paused, full)."""
        channel = _accept(self._kernel, call)
        if channel is None:
            return None
        session.start(channel)
        return channel.uuid

    def press(self, uuid: str, digit: str, *, by_info: bool = False, samples: int = 800) -> None:
        """A key: as RTP event, or as SIP INFO; ``samples`` is its length at 8 kHz."""
        channel = self._kernel.find(uuid)
        if channel:
            digits.press(channel, Digit(digit, "ENDPOINT" if by_info else "RTP", samples))

    def hang_up(self, uuid: str, cause: str = causes.NORMAL_CLEARING) -> None:
        """BYE, or CANCEL before the answer; a Reason header may name another cause (fact 35)."""
        channel = self._kernel.find(uuid)
        if channel is None:
            return
        if not channel.has(Flag.ANSWERED):
            if channel.direction == "inbound":
                self.cancel(uuid)
            return
        cause = causes.name_of(cause)
        channel.remote_gone = True
        channel.hung_up_by = "recv_bye"
        channel.variables.update(sip.bye_variables(cause))
        hang_up(channel, cause)

    def cancel(self, uuid: str) -> None:
        """The caller takes his unanswered call back."""
        channel = self._kernel.find(uuid)
        if channel is None or channel.has(Flag.ANSWERED):
            return
        channel.remote_gone = True
        channel.hung_up_by = "recv_cancel"
        channel.variables.update(sip.refused_variables(487, "CANCEL", "recv_cancel", "ORIGINATOR_CANCEL"))
        hang_up(channel, "ORIGINATOR_CANCEL")

    def ring(self, uuid: str) -> None:
        """The phone we called sends 180."""
        channel = _dialled(self._kernel, uuid)
        if channel:
            signalling.ring_ready(channel)

    def progress(self, uuid: str) -> None:
        """The phone we called sends 183 with media."""
        channel = _dialled(self._kernel, uuid)
        if channel:
            signalling.pre_answer(channel)

    def answer(self, uuid: str) -> None:
        """The phone we called sends 200."""
        channel = _dialled(self._kernel, uuid)
        if channel:
            signalling.answer(channel)

    def refuse(self, uuid: str, code: int, phrase: str = "") -> None:
        """The phone we called refuses with a SIP code."""
        channel = _dialled(self._kernel, uuid)
        if channel:
            _fail(channel, code, phrase or causes.PHRASES.get(code, "Declined"))

    def be_unreachable(self, uuid: str) -> None:
        """Nobody listens at the address we called (ICMP refused)."""
        channel = self._kernel.find(uuid)
        if channel and channel.direction == "outbound" and not channel.has(Flag.ANSWERED):
            _fail(channel, 503, "Service Unavailable")

    def hold(self, uuid: str) -> None:
        """A re-INVITE that says sendonly or inactive: the person at this phone listens no longer."""
        channel = self._kernel.find(uuid)
        if channel:
            hold.hold_by_phone(channel)

    def resume(self, uuid: str) -> None:
        """A re-INVITE that says sendrecv again."""
        channel = self._kernel.find(uuid)
        if channel:
            hold.resume_by_phone(channel)

    def refer(self, uuid: str, destination: str) -> None:
        """A REFER: the person at this phone sends the other one to ``destination`` and is let go."""
        channel = self._kernel.find(uuid)
        if channel:
            refer(channel, destination)

    def speak(self, uuid: str, *, speaks: bool = True) -> None:
        """The person at this phone speaks, or falls silent: conferences tell of it, and ``record`` ends by silence."""
        channel = self._kernel.find(uuid)
        if channel is None:
            return
        (channel.voice.speak if speaks else channel.voice.fall_silent)(self._kernel.now)
        channel.wake()
        if channel.member:
            (conference.talk if speaks else conference.be_silent)(channel.member)

    def register(
        self, user: str, address: str, expires_s: int = 3600, call_id: str = "", sender: Sender = NOBODY
    ) -> bool:
        """A phone registers, to be called at ``address`` (host:port); False if the directory does not know the user."""
        return self._contacts.register(user, address, expires_s, call_id, sender)

    def fail_to_register(self, user: str, address: str, expires_s: int = 3600, call_id: str = "") -> None:
        """A phone registers with a wrong password."""
        self._contacts.reject(user, address, expires_s, call_id)

    def unregister(self, user: str, address: str = "") -> None:
        """A phone takes its registration back; told even if there was none (06e)."""
        self._contacts.unregister(user, address)


def _accept(kernel: Kernel, call: InboundCall) -> Channel | None:
    """Make the channel of an INVITE, or None where the switch answers 503 without one."""
    if kernel.paused_inbound or len(kernel.channels) >= kernel.settings.max_sessions:
        return None
    uuid = call.uuid or kernel.new_uuid()
    # a display name is URL-decoded once, so %0A in it becomes a real line break (fact 27); a tab becomes a blank (14d);
    # what would be a variable is made harmless, and no variable takes it as a value (tried on 1.10.12)
    name = unquote(call.caller_name, errors="surrogateescape").replace("\t", " ") or call.caller_number
    name = name.replace("${", "%{")
    now = kernel.stamp_us
    profile = Profile(
        username=call.caller_number,
        dialplan="XML",
        caller_name=name,
        caller_number=call.caller_number,
        orig_caller_name=name,
        orig_caller_number=call.caller_number,
        network_addr=call.host,
        ani=call.caller_number,
        destination=call.dialled,
        context=call.context,
        uuid=kernel.new_uuid(),
        times=Times(profile_created=now, created=now),
    )
    channel_name = f"sofia/{call.profile}/{call.caller_number}@{kernel.settings.domain}"
    channel = Channel(kernel, uuid, channel_name, "inbound", profile, sofia_profile=call.profile)
    channel.flags.add(Flag.DIALPLAN)
    channel.initial = (name, call.caller_number, call.host, call.dialled, "XML", call.context)
    if call.authenticated_user:
        channel.presence_id = f"{call.authenticated_user}@{kernel.settings.domain}"
    kernel.add(channel)
    channel.variables.update(sip.inbound_variables(kernel, channel, call))
    if "${" in call.caller_name:
        channel.set_var("sip_full_from", None)
    elif call.caller_name:
        channel.set_var("sip_from_display", call.caller_name)
    return channel


def _dialled(kernel: Kernel, uuid: str) -> Channel | None:
    """The channel of a call of ours that the phone may still answer."""
    channel = kernel.find(uuid)
    if channel is None or channel.direction != "outbound" or channel.has(Flag.ANSWERED):
        return None
    if "sip_reply_host" not in channel.variables:
        channel.profile.network_addr = channel.profile.network_addr or kernel.settings.address
        address = str(channel.variables.get("sip_destination_url", "")).rpartition("@")[2]
        channel.variables.update(sip.ring_variables(channel, address))
    return channel


def _fail(channel: Channel, code: int, phrase: str) -> None:
    cause = causes.FROM_SIP.get(code, "NORMAL_UNSPECIFIED")
    channel.remote_gone = True
    # a challenge nobody can meet ends the leg here, so nobody is said to have refused (12a)
    how = "" if code in _CHALLENGES else "recv_refuse"
    channel.hung_up_by = how
    channel.variables.update(sip.refused_variables(code, phrase, how, cause))
    if not how:
        channel.set_var("sip_hangup_disposition", None)
    hang_up(channel, cause)
