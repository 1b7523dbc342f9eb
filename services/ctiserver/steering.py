"""The steps that verbs are made of: a command to the switch that has a leg, and waiting until it is done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from ipcc.call.model import Call, Leg
from ipcc.clock import Clock
from ipcc.contracts import call as told
from ipcc.contracts import tags
from ipcc.contracts.call import CallPayload
from ipcc.contracts.tags import LegRole
from ipcc.errors import NotFound, NotNow, SwitchDown, SwitchRefused, Unavailable
from ipcc.esl.commands import Command, Originate, UuidBreak, UuidBridge, UuidBroadcast, UuidKill, UuidSetVars
from ipcc.esl.dialstring import Endpoint, call_variables
from ipcc.esl.headers import HangupCause
from ipcc.esl.port import Switches, SwitchNode
from ipcc.ids import CallId, LegId
from ipcc.tasks import Tasks
from services.ctiserver.changes import Changes
from services.ctiserver.core.control import Standing, standing
from services.ctiserver.switch import Ear

log = structlog.get_logger(__name__)

OWNER = "ctiserver"
JOB_MARGIN_S = 5.0
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


@dataclass(frozen=True)
class Dialled:
    """Somebody who is dialled: where, and as whose leg."""

    endpoint: Endpoint
    leg_id: LegId
    agent_id: str = ""
    address: str = field(default="", repr=False)


@dataclass(frozen=True)
class Running:
    """What a leg that we dial does once it is answered."""

    application: str
    argument: str = field(default="", repr=False)


PARKED = Running("park")


@dataclass(frozen=True)
class Steering:
    """Looks legs up, commands their switch, waits for what the switch tells."""

    ear: Ear
    switches: Switches
    changes: Changes
    clock: Clock
    ways: Ways
    tasks: Tasks

    def call(self, call_id: str) -> Call:
        """Raises NotFound."""
        found = self.ear.book.call(call_id)
        if found is None:
            raise NotFound("call.unknown", f"there is no call {call_id}, or it ended long ago", call_id=call_id)
        return found

    def leg(self, leg_id: str) -> Leg:
        """Raises NotFound."""
        found = self.ear.book.leg(leg_id)
        if found is None:
            raise NotFound("leg.unknown", f"there is no leg {leg_id}, or it ended long ago", leg_id=leg_id)
        return found

    def partner(self, leg: Leg) -> Leg:
        """Whom the leg is bridged to. Raises NotNow."""
        found = self.ear.book.leg(leg.bridged_to) if leg.bridged_to else None
        if found is None or not found.is_live:
            raise NotNow("leg.no_partner", f"leg {leg.leg_id} talks to nobody", leg_id=leg.leg_id)
        return found

    def waiting_for(self, leg: Leg) -> list[Leg]:
        """The live legs that wait for this one."""
        call = self.ear.book.call(leg.call_id)
        others = (self.ear.book.leg(other) for other in (call.live if call else ()))
        return [other for other in others if other and other.waits_for == leg.leg_id]

    def the_one_waiting(self, leg: Leg) -> Leg:
        """Who waits for this leg. Raises NotNow."""
        found = self.waiting_for(leg)
        if not found:
            raise NotNow("leg.nobody_waits", f"nobody waits for leg {leg.leg_id}", leg_id=leg.leg_id)
        return min(found, key=lambda other: other.started_at)

    def standing(self, leg: Leg) -> Standing:
        """How the leg stands in its call."""
        consult = self.ear.book.leg(leg.consults) if leg.consults else None
        return standing(leg, self.waiting_for(leg), consult)

    def node(self, leg: Leg) -> SwitchNode:
        """The switch that has the leg. Raises NotFound."""
        return self.switches.node(leg.node_id)

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

    async def let_go(self, leg: Leg) -> None:
        """End a leg that has nobody left to talk to; nothing when somebody waits for it."""
        now = self.ear.book.leg(leg.leg_id)
        if now and now.is_live and not now.bridged_to and not self.waiting_for(now):
            await self.end(now)

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
        self.ear.tell(self.ear.fold.note(payload, self.clock.now()))

    def set_aside(self, leg: Leg, waits_for: Leg | None) -> None:
        """Tell that the party at ``leg`` waits: for somebody, or for whoever picks him up."""
        by = waits_for.leg_id if waits_for else ""
        self.tell(told.PartyHeld(**about(leg), by_leg_id=by))

    def retrieve(self, leg: Leg) -> None:
        """Tell that he waits no more."""
        self.tell(told.PartyRetrieved(**about(leg)))

    def tags_of(self, dialled: Dialled, call_id: CallId | str, role: LegRole) -> dict[str, str]:
        """The variables of a leg we dial. An agent's is recorded, with every service down, too."""
        variables = {
            "origination_uuid": dialled.leg_id,
            tags.CALL_ID: str(call_id),
            tags.ROLE: role.value,
            tags.OWNER: OWNER,
            "leg_timeout": str(self.ways.ring_s),
        }
        if dialled.agent_id:
            name = tags.recording_name(str(call_id), dialled.leg_id)
            variables |= {tags.AGENT_ID: dialled.agent_id}
            if role is not LegRole.SUPERVISOR:
                variables |= {
                    tags.RECORDING: name,
                    "RECORD_STEREO": "true",
                    "execute_on_answer": f"record_session {self.ways.recordings_root / name}",
                }
        elif self.ways.caller_number:
            variables["origination_caller_id_number"] = self.ways.caller_number
        return variables

    def dial_string(self, dialled: Dialled, variables: Mapping[str, str]) -> str:
        """What the switch's bridge application dials."""
        return call_variables(variables) + dialled.endpoint.render()

    def order(self, dialled: Dialled, running: Running, variables: Mapping[str, str]) -> Originate:
        """The order to dial somebody who then runs ``running``."""
        own = ("origination_uuid", "leg_timeout", "origination_caller_id_number")
        return Originate(
            dialled.endpoint,
            dialled.leg_id,
            application=running.application,
            argument=running.argument,
            caller_number=variables.get("origination_caller_id_number", ""),
            timeout_s=self.ways.ring_s,
            variables={key: value for key, value in variables.items() if key not in own},
        )

    def begin(self, node: SwitchNode, order: Originate) -> None:
        """Dial, and do not wait: the leg's own facts tell what becomes of it."""
        self.tasks.once(f"dial {order.leg_id}", self._dial(node, order))

    async def ring(self, near: Leg, dialled: Dialled, role: LegRole, running: Running) -> Leg:
        """Ring somebody for the call of ``near``, on its switch, and return his leg when he has answered.

        Raises NotNow (party.unreachable) with the cause.
        """
        order = self.order(dialled, running, self.tags_of(dialled, near.call_id, role))
        try:
            came = (await self.node(near).job(order, timeout=self.ways.ring_s + JOB_MARGIN_S)).strip()
        except SwitchRefused as refused:
            cause = refused.cause or HangupCause.NORMAL_UNSPECIFIED.name
            raise NotNow("party.unreachable", f"he could not be rung: {cause}", cause=cause) from None
        if came != dialled.leg_id:
            # a uuid in use is silently replaced for some endpoints: that leg is nobody's
            with contextlib.suppress(SwitchRefused):
                await self.node(near).api(UuidKill(LegId(came)))
            raise NotNow("leg.exists", f"leg {dialled.leg_id} exists already", leg_id=dialled.leg_id)
        await self.until_known(dialled.leg_id)
        return await self.until(lambda now: now.answered_at is not None, self.leg(dialled.leg_id), "ring")

    async def _dial(self, node: SwitchNode, order: Originate) -> None:
        try:
            await node.job(order, timeout=self.ways.ring_s + JOB_MARGIN_S)
        except (SwitchRefused, SwitchDown) as error:
            log.info("dialling_ended", leg_id=order.leg_id, reason=str(error))

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
