"""bridge and intercept: the applications that join this channel with another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import bridge as media
from ipcc.sim import causes, dialstring, display, originate
from ipcc.sim.hangup import hang_up
from ipcc.sim.intercept import intercept as take_over
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel
    from ipcc.sim.timeline import Steps


def bridge(channel: Channel, argument: str) -> Steps:
    """Dial ``argument`` and talk; if nobody answers the call ends with that cause, or goes on (continue_on_fail)."""
    attempt = originate.Attempt(channel.kernel, dialstring.parse(argument), caller=channel)
    yield from originate.run(attempt)
    other = attempt.winner
    if other is None or other.is_down or not channel.is_ready:
        _fail(channel, other, attempt.cause)
        return
    channel.set_var("originate_disposition", "SUCCESS")
    channel.set_var("DIALSTATUS", "SUCCESS")
    display.announce_dialled(other)
    other.flags.discard(Flag.ORIGINATING)
    yield from media.bridge(channel, other)


def _fail(channel: Channel, other: Channel | None, cause: str) -> None:
    if other is not None:
        hang_up(other, channel.cause or "ORIGINATOR_CANCEL")
        cause = other.cause or cause
    channel.set_var("originate_disposition", cause)
    channel.set_var("DIALSTATUS", _DIAL_STATUS.get(cause, cause))
    channel.set_var("originate_failed_cause", cause)
    channel.set_var("hangup_cause", cause)
    if channel.is_ready:
        media.handle_failure(channel, cause or causes.NORMAL_CLEARING)


_DIAL_STATUS = {
    "USER_BUSY": "BUSY",
    "NO_ANSWER": "NOANSWER",
    "NO_USER_RESPONSE": "NOANSWER",
    "CALL_REJECTED": "DONTCALL",
    "UNALLOCATED_NUMBER": "INVALIDARGS",
    "SUBSCRIBER_ABSENT": "CHANUNAVAIL",
    "ORIGINATOR_CANCEL": "CANCEL",
}


def intercept(channel: Channel, argument: str) -> None:
    """Take over the call with that uuid; with ``-bleg`` the call of its partner."""
    wanted = argument.strip()
    of_partner = wanted.startswith("-bleg")
    take_over(channel, wanted.removeprefix("-bleg").strip(), of_partner)
