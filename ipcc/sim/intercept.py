"""Taking a call away from whoever has it (switch_ivr_intercept_session)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipcc.sim import signalling, uuid_bridge
from ipcc.sim.hangup import hang_up
from ipcc.sim.states import Flag

if TYPE_CHECKING:
    from ipcc.sim.channels import Channel


def intercept(channel: Channel, wanted: str, of_partner: bool = False) -> None:
    """Take the call of ``wanted`` away from whoever has it; its partner is hung up with PICKED_OFF (fact 20).

    With ``intercept_unbridged_only`` on the one who takes, who has a partner is left alone (same file).
    """
    kernel = channel.kernel
    target = kernel.find(wanted)
    if target and of_partner:
        target = kernel.find(target.partner or target.var("signal_bond") or "")
    if target is None or target is channel:
        return
    if target.partner and channel.var("intercept_unbridged_only") == "true":
        return
    loser = kernel.find(target.partner or "")
    signalling.answer(channel)
    if loser and loser is not channel:
        loser.flags.add(Flag.INTERCEPT)
    signalling.answer(target)
    target.flags.add(Flag.INTERCEPTED)
    uuid_bridge.order(channel, target)
    if loser and loser is not channel:
        hang_up(loser, "PICKED_OFF")
