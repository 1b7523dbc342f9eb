"""The steps that verbs are made of: a command to the switch that has a leg, and waiting until it is done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ipcc.call.model import Leg
from ipcc.clock import Clock
from ipcc.contracts import call as told
from ipcc.contracts.call import CallPayload
from ipcc.contracts.tags import LegRole
from ipcc.errors import NotNow, SwitchRefused, Unavailable
from ipcc.esl.commands import Command, UuidBreak, UuidBridge, UuidBroadcast, UuidKill, UuidSetVars, UuidTransfer
from ipcc.esl.headers import HangupCause
from ipcc.ids import LegId, NodeId
from services.ctiserver.changes import Changes
from services.ctiserver.sight import Sight

PARK_AFTER = "park_after_bridge"
BRIDGE_TRIES = 2


@dataclass(frozen=True)
class Ways:
    """How things are done on this site's switches; see CtiSettings."""

    timeout_s: float
    ring_s: int = 25
    music: str = "local_stream://ipcc"
    phone_domain: str = ""
    caller_number: str = ""
    recordings_root: Path = Path("/var/spool/ipcc")
    confirm_key: str = ""
    confirm_sound: str = ""
    node_addresses: Mapping[NodeId, str] = field(default_factory=dict)
    """Where the nodes take calls from one another."""


@dataclass(frozen=True)
class Steering(Sight):
    """Commands the switches that have the legs, and waits for what they tell."""

    changes: Changes
    clock: Clock
    ways: Ways

    async def api(self, leg: Leg, command: Command) -> str:
        """Command the leg's switch. Raises NotNow (leg.ended), SwitchRefused, SwitchDown."""
        node = self.node(leg)
        try:
            return await node.api(command, timeout=self.ways.timeout_s)
        except SwitchRefused:
            if await node.exists(leg.leg_id):
                raise
            raise NotNow("leg.ended", f"leg {leg.leg_id} has ended", leg_id=leg.leg_id) from None

    async def until(self, is_done: Callable[[Leg], bool], leg: Leg, what: str, timeout_s: float = 0) -> Leg:
        """Wait until ``is_done`` of the leg, and return it as it is then.

        Raises NotNow (leg.ended) when it ended before, Unavailable (leg.not_done) when the switch accepted ``what`` and did
        nothing: +OK means accepted, never done.
        """
        seconds = timeout_s or self.ways.timeout_s
        if not await self.changes.until(lambda: self._is_over(is_done, leg.leg_id), seconds):
            raise Unavailable(
                "leg.not_done", f"the switch took {what} of leg {leg.leg_id} and has not done it", leg_id=leg.leg_id
            )
        now = self.leg(leg.leg_id)
        if not is_done(now):
            raise NotNow("leg.ended", f"leg {leg.leg_id} ended meanwhile", leg_id=leg.leg_id, cause=now.cause)
        return now

    async def join(self, leg: Leg, other: Leg) -> Leg:
        """Let two legs hear each other and return the first. Raises NotNow (leg.ended) when either is gone.

        The one left over is not left alone on the switch: a bridge that never came leaves a ghost (fact 6).
        """
        for _ in range(BRIDGE_TRIES):
            with contextlib.suppress(SwitchRefused):
                await self.api(leg, UuidBridge(leg.leg_id, other.leg_id))
            done = await self.changes.until(lambda: self._is_joined(leg, other), self.ways.timeout_s / BRIDGE_TRIES)
            if done:
                break
        now, then = self.leg(leg.leg_id), self.leg(other.leg_id)
        if now.bridged_to == other.leg_id:
            if other.is_waiting:
                self.retrieve(then)
            return now
        for gone, left in ((now, then), (then, now)):
            if not gone.is_live:
                await self.let_go(left)
                raise NotNow("leg.ended", f"leg {gone.leg_id} ended meanwhile", leg_id=gone.leg_id, cause=gone.cause)
        raise Unavailable("leg.not_done", f"the switch did not join {leg.leg_id} and {other.leg_id}", leg_id=leg.leg_id)

    async def join_for_good(self, leg: Leg, other: Leg) -> Leg:
        """As ``join``; whoever hangs up first ends it for both, as in any call of two."""
        for one in (leg, other):
            await self.stay_after_bridge(one, stays=False)
        return await self.join(leg, other)

    async def let_go(self, leg: Leg) -> None:
        """End a leg that has nobody left to talk to, but a customer meets the net; nothing when somebody waits for it."""
        now = self.ear.book.leg(leg.leg_id)
        if now and now.is_live and not now.bridged_to and not self.waiting_for(now):
            is_customer = now.role is LegRole.CUSTOMER and now.answered_at is not None
            await (self.to_net(now) if is_customer else self.end(now))

    async def to_net(self, leg: Leg) -> None:
        """The customer meets the safety net of freeswitch/conf, where a human answers; nothing when he is gone."""
        with contextlib.suppress(SwitchRefused, NotNow):
            await self.api(leg, UuidTransfer(leg.leg_id, "fallback", "safety"))
            if self.leg(leg.leg_id).is_waiting:
                self.retrieve(self.leg(leg.leg_id))

    async def end(self, leg: Leg, cause: HangupCause = HangupCause.NORMAL_CLEARING) -> None:
        """Hang the leg up; nothing when it is gone."""
        with contextlib.suppress(SwitchRefused, NotNow):
            await self.api(leg, UuidKill(leg.leg_id, cause))

    async def stay_after_bridge(self, leg: Leg, stays: bool = True) -> None:
        """Whether the leg is parked when its bridge ends (else it is hung up)."""
        await self.set(leg, {PARK_AFTER: "true" if stays else "false"})

    async def set(self, leg: Leg, variables: Mapping[str, str]) -> None:
        """Set variables of the leg."""
        await self.api(leg, UuidSetVars(leg.leg_id, variables))

    async def play_music(self, leg: Leg) -> None:
        """Music for somebody who waits; nothing when he has gone."""
        with contextlib.suppress(SwitchRefused, NotNow):
            await self.api(leg, UuidBroadcast(leg.leg_id, self.ways.music))

    async def stop_music(self, leg: Leg) -> None:
        """No more of it."""
        with contextlib.suppress(SwitchRefused, NotNow):
            await self.api(leg, UuidBreak(leg.leg_id, all_queued=True))

    def tell(self, payload: CallPayload) -> None:
        """Tell a fact that the switch has no event of. Raises Unavailable while the book is read back."""
        if not self.ear.is_attentive:
            raise Unavailable("call.not_ready", "what was told about calls is being read back")
        fold = self.ear.fold
        fold.tell(payload, self.clock.now())
        self.ear.tell(fold.drain())

    def set_aside(self, leg: Leg, waits_for: Leg | None) -> None:
        """Tell that the party at ``leg`` waits: for somebody, or for whoever picks him up."""
        by = waits_for.leg_id if waits_for else ""
        self.tell(told.PartyHeld(**about(leg), by_leg_id=by))

    def retrieve(self, leg: Leg) -> None:
        """Tell that he waits no more."""
        self.tell(told.PartyRetrieved(**about(leg)))

    async def until_known(self, leg_id: LegId, timeout_s: float = 0) -> Leg | None:
        """The leg that is being dialled, once the switch told of it; None when it did not in time."""
        await self.changes.until(lambda: self.ear.book.leg(leg_id) is not None, timeout_s or self.ways.timeout_s)
        return self.ear.book.leg(leg_id)

    def _is_over(self, is_done: Callable[[Leg], bool], leg_id: LegId) -> bool:
        leg = self.ear.book.leg(leg_id)
        return leg is None or not leg.is_live or is_done(leg)

    def _is_joined(self, leg: Leg, other: Leg) -> bool:
        now, then = self.ear.book.leg(leg.leg_id), self.ear.book.leg(other.leg_id)
        return now is None or then is None or not now.is_live or not then.is_live or now.bridged_to == other.leg_id


def about(leg: Leg) -> dict[str, str]:
    """The fields that say which leg."""
    return {"call_id": leg.call_id, "leg_id": leg.leg_id, "node_id": leg.node_id}
