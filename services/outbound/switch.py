"""Dialling a customer and playing to him."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ipcc.clock import Clock
from ipcc.contracts import tags
from ipcc.errors import SwitchDown, SwitchRefused
from ipcc.esl.commands import Originate, UuidKill
from ipcc.esl.dialstring import Gateway
from ipcc.esl.headers import EventName
from ipcc.esl.port import LegGoneError, SubscriptionPlan, Switches, SwitchNode
from ipcc.ids import LegId, NodeId
from services.outbound.store import Attempt

OUTBOUND_LEGS = SubscriptionPlan(
    events=(EventName.CHANNEL_EXECUTE_COMPLETE, EventName.CHANNEL_HANGUP, EventName.CHANNEL_HANGUP_COMPLETE)
)
PLAY_TIMEOUT_S = 180.0
# originate_timeout of the switch is inexact by about a second (recorded fact 23); our own waiting is longer
GRACE_S = 5.0


@dataclass(frozen=True)
class Played:
    """The customer answered: whether all was played, and for how long he listened."""

    is_complete: bool
    ms: int


@dataclass(frozen=True)
class Dialler:
    """Commands for the legs of outbound; ``sounds_dir`` as the switch sees it."""

    switches: Switches
    clock: Clock
    gateway: str
    caller_number: str
    sounds_dir: str
    ring_s: int

    def free_node(self) -> str | None:
        """A node that can dial now; None when none is reached."""
        return next((str(node.node_id) for node in self.switches.nodes() if node.is_up), None)

    @property
    def longest(self) -> timedelta:
        """No attempt takes longer: one that has no end after this belongs to nobody."""
        return timedelta(seconds=self.ring_s + GRACE_S + PLAY_TIMEOUT_S + GRACE_S)

    async def prepare(self, attempt: Attempt) -> None:
        """Hear what will become of the leg. Raises SwitchDown, NotFound: nothing was dialled."""
        node, leg = self._leg(attempt)
        await node.watch(leg)

    async def dial(self, attempt: Attempt) -> None:
        """Ring the customer until he answers. Raises SwitchRefused with the cause, SwitchDown (unknown)."""
        node, leg = self._leg(attempt)
        command = Originate(
            endpoint=Gateway(self.gateway, attempt.notification.phone_number),
            leg_id=leg,
            caller_number=self.caller_number,
            timeout_s=self.ring_s,
            variables={
                tags.CALL_ID: attempt.attempt_id,
                tags.ROLE: tags.LegRole.CUSTOMER.value,
                tags.OWNER: "outbound",
                tags.ATTEMPT_ID: attempt.attempt_id,
                # should we die, he does not hold a silent line for long (switch_ivr.c, switch_ivr_park)
                "park_timeout": str(int(PLAY_TIMEOUT_S + GRACE_S)),
            },
        )
        await node.job(command, timeout=self.ring_s + GRACE_S)

    async def play(self, attempt: Attempt) -> Played:
        """Say the notification, then hang up. Raises SwitchDown (what he heard is unknown)."""
        node, leg = self._leg(attempt)
        began = self.clock.now()
        sounds = [f"{self.sounds_dir}/{attempt.notification.language}/{p}.wav" for p in attempt.notification.prompts]
        sound = sounds[0] if len(sounds) == 1 else "file_string://" + "!".join(sounds)
        try:
            ended = await node.execute(leg, "playback", sound, timeout=PLAY_TIMEOUT_S)
        except LegGoneError:
            return Played(False, self._ms_since(began))
        except SwitchRefused:
            await self.hang_up(attempt)
            return Played(False, self._ms_since(began))
        complete = not ended.is_hung_up and ended.response == "FILE PLAYED"
        played = Played(complete, self._ms_since(began))
        await self.hang_up(attempt)
        return played

    async def forget(self, attempt: Attempt) -> None:
        """Hear nothing more of the leg. Never raises for a link that is down."""
        node, leg = self._leg(attempt)
        await node.unwatch(leg)

    async def exists(self, attempt: Attempt) -> bool:
        """Whether the attempt's leg is on the switch. Raises SwitchDown, NotFound (the node is configured no more)."""
        node, leg = self._leg(attempt)
        return await node.exists(leg)

    async def hang_up(self, attempt: Attempt) -> None:
        """End the leg, if it is still there."""
        node, leg = self._leg(attempt)
        try:
            await node.api(UuidKill(leg))
        except (SwitchRefused, SwitchDown):
            return

    def _leg(self, attempt: Attempt) -> tuple[SwitchNode, LegId]:
        return self.switches.node(NodeId(attempt.node_id)), LegId(attempt.attempt_id)

    def _ms_since(self, began: datetime) -> int:
        return int((self.clock.now() - began).total_seconds() * 1000)
