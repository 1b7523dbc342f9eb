"""eavesdrop: a supervisor listens to a call, whispers to one side or speaks to both (switch_ivr_eavesdrop_session)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import digits, signalling
from ipcc.sim.channels import Eavesdrop

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps

# keys: whether the leg named hears the supervisor, whether its partner does (fact 36, measured by tones)
_SPEAKS = {"0": (False, False), "1": (False, True), "2": (True, False), "3": (True, True)}


def eavesdrop(channel: Channel, argument: str) -> Steps:
    """Listen to the leg with that uuid until it or the supervisor goes; a leg that is not there ends it at once (09h).

    Keys change who hears the supervisor and are the only thing told of it. With ``eavesdrop_enable_dtmf=false`` they stay queued.
    """
    ear = Eavesdrop(
        argument.strip(), channel.is_true("eavesdrop_whisper_bleg"), channel.is_true("eavesdrop_whisper_aleg")
    )
    takes_keys = channel.var("eavesdrop_enable_dtmf") is None or channel.is_true("eavesdrop_enable_dtmf")
    yield from _listen(channel, ear, takes_keys, channel.var("eavesdrop_require_group") or "")


def three_way(channel: Channel, argument: str) -> Steps:
    """Join the call of the leg with that uuid: hears and is heard by both; ends with that leg (08i)."""
    yield from _listen(channel, Eavesdrop(argument.strip(), True, True), False, "")


def _listen(channel: Channel, ear: Eavesdrop, takes_keys: bool, group: str) -> Steps:
    target = channel.kernel.find(ear.target)
    if target is None or target is channel or not target.has_media or not _is_in(target, group):
        return
    signalling.pre_answer(channel)
    channel.eavesdrop = ear
    channel.reads_linear = True
    _show_target(channel, target)
    look = channel.kernel.timeline.wake_current()
    target.watch(look)
    while channel.is_ready and not target.is_down:
        yield None
        while takes_keys and channel.is_ready and (key := digits.take(channel)) is not None:
            ear.speaks_to_target, ear.speaks_to_partner = _SPEAKS.get(
                key, (ear.speaks_to_target, ear.speaks_to_partner)
            )
    target.unwatch(look)
    channel.eavesdrop = None
    channel.reads_linear = False


def _is_in(target: Channel, group: str) -> bool:
    return not group or group in (target.var("eavesdrop_group") or "").split(",")


def _show_target(channel: Channel, target: Channel) -> None:
    profile = target.profile
    channel.sent_callee = (profile.caller_name, profile.caller_number)
    channel.callee_direction = "SEND"
