"""A channel rings, has early media, is answered: the moves every part of the switch makes, with their events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import execute, sip
from ipcc.sim.outputs import CallerAnswered, CallerRinging
from ipcc.sim.states import CallState, Flag
from ipcc.sim.timeline import finish

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


_ACK_AFTER_S = 0.002


def ring_ready(channel: Channel) -> None:
    """180 Ringing, sent by us to a caller or by a phone to us; a second one changes nothing."""
    if channel.is_down or channel.has(Flag.RING_READY) or channel.has_media:
        return
    kernel = channel.kernel
    channel.flags.add(Flag.RING_READY)
    channel.profile.times.progress = kernel.stamp_us
    kernel.emit(channel, "CHANNEL_PROGRESS")
    if channel.direction == "inbound":
        kernel.put(CallerRinging(channel.uuid, early_media=False))
    else:
        kernel.set_callstate(channel, CallState.RINGING)
    execute_on(channel, "execute_on_ring", "api_on_ring")
    channel.wake()


def pre_answer(channel: Channel) -> None:
    """Early media (183 with SDP): from here on the other side can hear."""
    if channel.is_down or channel.has_media:
        return
    kernel = channel.kernel
    _agree_codecs(channel)
    channel.flags.add(Flag.EARLY_MEDIA)
    channel.answer_state = "early"
    channel.profile.times.progress_media = kernel.stamp_us
    channel.set_var("endpoint_disposition", "EARLY MEDIA")
    kernel.emit(channel, "CHANNEL_PROGRESS_MEDIA")
    if channel.direction == "inbound":
        kernel.put(CallerRinging(channel.uuid, early_media=True))
    kernel.set_callstate(channel, CallState.EARLY)
    execute_on(channel, "execute_on_pre_answer", "api_on_pre_answer", "execute_on_media", "api_on_media")
    channel.wake()


def answer(channel: Channel) -> None:
    """200 OK; what it triggers goes on by itself if it takes time."""
    finish(channel.kernel.timeline, answering(channel))


def answering(channel: Channel) -> Steps:
    """200 OK. A call without early media goes through it first; the call state follows the event (fact 24).

    What ``execute_on_answer`` orders runs before the call state says ACTIVE (10d).
    """
    if channel.is_down or channel.has(Flag.ANSWERED):
        return
    kernel = channel.kernel
    if channel.direction == "inbound" and not (channel.has_media or channel.is_local):
        pre_answer(channel)
    if not (channel.has_codec or channel.is_local):
        _agree_codecs(channel)
    channel.flags.add(Flag.ANSWERED)
    channel.answer_state = "answered"
    channel.profile.times.answered = kernel.stamp_us
    kernel.emit(channel, "CHANNEL_ANSWER")
    if channel.direction == "inbound" and not channel.is_local:
        kernel.put(CallerAnswered(channel.uuid))
        channel.set_var(
            "rtp_local_sdp_str", sip.sdp(kernel.settings.address, int(channel.var("local_media_port") or 0))
        )
        kernel.timeline.after(_ACK_AFTER_S, lambda: sip.acknowledge(channel))
    channel.wake()
    yield from executing_on(channel, "execute_on_answer", "api_on_answer")
    if not channel.is_down:
        kernel.set_callstate(channel, CallState.ACTIVE)
        channel.set_var("endpoint_disposition", "ANSWER")


def execute_on(channel: Channel, *names: str) -> None:
    """Run what ``execute_on_…`` and ``api_on_…`` variables order; what takes time goes on by itself."""
    finish(channel.kernel.timeline, executing_on(channel, *names))


def executing_on(channel: Channel, *names: str) -> Steps:
    """The variables of these names, each also with ``_1``, ``_2`` … behind it, carried out one after the other."""
    hooks = [(name, value) for name, value in channel.variables.items() if name.startswith(("api_", "execute_on_"))]
    for name in names:
        for variable, value in hooks:
            if variable == name or (variable.startswith(name + "_") and variable[len(name) + 1 :].isdigit()):
                for text in value if isinstance(value, list) else [value]:
                    yield from _executing(channel, name.startswith("api_"), text)


def _executing(channel: Channel, is_api: bool, text: str) -> Steps:
    text = execute.expanded(channel, text)
    head, _, argument = text.partition("::" if "::" in text.split(" ")[0] else " ")
    if is_api:
        channel.kernel.run_api(head, argument)
    else:
        yield from execute.execute(channel, head, argument)


def _agree_codecs(channel: Channel) -> None:
    channel.has_codec = True
    kernel = channel.kernel
    kernel.emit(
        channel,
        "CODEC",
        after={
            "channel-read-codec-name": "PCMU",
            "channel-read-codec-rate": "8000",
            "channel-read-codec-bit-rate": "64000",
        },
    )
    kernel.emit(
        channel,
        "CODEC",
        after={
            "Channel-Write-codec-name": "PCMU",
            "Channel-Write-codec-rate": "8000",
            "Channel-Write-codec-bit-rate": "64000",
        },
    )
    channel.variables.update(sip.media_variables(channel))
