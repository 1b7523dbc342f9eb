"""What phones and trunks do to the switch: calls arriving, and answers to the calls it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from ipcc.sim import causes, digits, signalling, sip
from ipcc.sim.channels import Channel, Digit, Profile, Times
from ipcc.sim.hangup import hang_up
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.kernel import Kernel
    from ipcc.sim.sip import InboundCall


def accept(kernel: Kernel, call: InboundCall) -> Channel | None:
    """Make the channel of an INVITE, or None where the switch answers 503 without one."""
    if kernel.paused_inbound or len(kernel.channels) >= kernel.settings.max_sessions:
        return None
    uuid = call.uuid or kernel.new_uuid()
    # a display name is URL-decoded once, so %0A in it becomes a real line break (fact 27); a tab becomes a blank (14d)
    name = unquote(call.caller_name, errors="surrogateescape").replace("\t", " ") or call.caller_number
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
    kernel.add(channel)
    channel.variables.update(sip.inbound_variables(kernel, channel, call))
    if call.caller_name:
        channel.set_var("sip_from_display", call.caller_name)
    return channel


def press(kernel: Kernel, uuid: str, digit: Digit) -> None:
    channel = kernel.find(uuid)
    if channel:
        digits.press(channel, digit)


def bye(kernel: Kernel, uuid: str, cause: str) -> None:
    """BYE; a Reason header may name another cause than normal clearing (fact 35)."""
    channel = kernel.find(uuid)
    if channel is None:
        return
    if not channel.has(Flag.ANSWERED):
        if channel.direction == "inbound":
            cancel(kernel, uuid)
        return
    cause = causes.name_of(cause)
    channel.remote_gone = True
    channel.hung_up_by = "recv_bye"
    channel.variables.update(sip.bye_variables(cause))
    hang_up(channel, cause)


def cancel(kernel: Kernel, uuid: str) -> None:
    channel = kernel.find(uuid)
    if channel is None or channel.has(Flag.ANSWERED):
        return
    channel.remote_gone = True
    channel.hung_up_by = "recv_cancel"
    channel.variables.update(sip.refused_variables(487, "CANCEL", "recv_cancel", "ORIGINATOR_CANCEL"))
    hang_up(channel, "ORIGINATOR_CANCEL")


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


def ringing(kernel: Kernel, uuid: str) -> None:
    channel = _dialled(kernel, uuid)
    if channel:
        signalling.ring_ready(channel)


def progress(kernel: Kernel, uuid: str) -> None:
    channel = _dialled(kernel, uuid)
    if channel:
        signalling.pre_answer(channel)


def answer(kernel: Kernel, uuid: str) -> None:
    channel = _dialled(kernel, uuid)
    if channel:
        signalling.answer(channel)


def refuse(kernel: Kernel, uuid: str, code: int, phrase: str) -> None:
    channel = _dialled(kernel, uuid)
    if channel:
        _fail(channel, code, phrase or causes.PHRASES.get(code, "Declined"))


def unreachable(kernel: Kernel, uuid: str) -> None:
    channel = kernel.find(uuid)
    if channel and channel.direction == "outbound" and not channel.has(Flag.ANSWERED):
        _fail(channel, 503, "Service Unavailable")


def _fail(channel: Channel, code: int, phrase: str) -> None:
    cause = causes.FROM_SIP.get(code, "NORMAL_UNSPECIFIED")
    channel.remote_gone = True
    channel.hung_up_by = "recv_refuse"
    channel.variables.update(sip.refused_variables(code, phrase, "recv_refuse", cause))
    hang_up(channel, cause)
