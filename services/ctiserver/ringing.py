"""Dialling somebody in the name of a call: the tags his leg is found by, the order to the switch, waiting for his answer."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import structlog

from ipcc.call.model import Leg
from ipcc.contracts import tags
from ipcc.contracts.tags import LegRole
from ipcc.errors import NotNow, SwitchDown, SwitchRefused
from ipcc.esl.commands import Originate, UuidKill
from ipcc.esl.dialstring import Endpoint, Gateway, SipAddress, User, call_variables, confirmation, staying
from ipcc.esl.headers import HangupCause
from ipcc.esl.port import SwitchNode
from ipcc.ids import CallId, LegId, NodeId
from ipcc.tasks import Tasks
from services.ctiserver.steering import Steering

log = structlog.get_logger(__name__)

OWNER = "ctiserver"
JOB_MARGIN_S = 5.0
NODES = "nodes"
"""The SIP profile of freeswitch/conf by which one node calls another."""


@dataclass(frozen=True)
class Dialled:
    """Somebody who is dialled: where, and as whose leg."""

    endpoint: Endpoint
    leg_id: LegId
    agent_id: str = ""
    address: str = field(default="", repr=False)
    node_id: str = ""
    """The node his phone is registered at; empty for a number outside."""


@dataclass(frozen=True)
class Running:
    """What a leg that we dial does once it is answered."""

    application: str
    argument: str = field(default="", repr=False)


PARKED = Running("park")


@dataclass(frozen=True)
class Ringing:
    """Dials; see Steering for what it raises."""

    steering: Steering
    tasks: Tasks

    def tags_of(self, dialled: Dialled, call_id: CallId | str, role: LegRole) -> dict[str, str]:
        """The variables of a leg we dial. An agent's is recorded, with every service down, too."""
        variables = {
            "origination_uuid": dialled.leg_id,
            tags.CALL_ID: str(call_id),
            tags.ROLE: role.value,
            tags.OWNER: OWNER,
            "leg_timeout": str(self.steering.ways.ring_s),
        }
        if dialled.agent_id:
            name = tags.recording_name(str(call_id), dialled.leg_id)
            variables |= {tags.AGENT_ID: dialled.agent_id}
            if role is not LegRole.SUPERVISOR:
                variables |= {
                    tags.RECORDING: name,
                    "RECORD_STEREO": "true",
                    "execute_on_answer": f"record_session {self.steering.ways.recordings_root / name}",
                }
        variables |= staying(dialled.endpoint)
        ways, is_outside = self.steering.ways, isinstance(dialled.endpoint, Gateway)
        if (is_outside or not dialled.agent_id) and ways.caller_number:
            variables["origination_caller_id_number"] = ways.caller_number
        if is_outside and dialled.agent_id:
            variables |= confirmation(ways.confirm_key, ways.confirm_sound)
        return variables

    def seen_from(self, node_id: str, dialled: Dialled) -> Dialled:
        """He as he is dialled on a node: a phone that is registered at another one is reached through that."""
        there = self.steering.ways.node_addresses.get(NodeId(dialled.node_id), "")
        if not isinstance(dialled.endpoint, User) or not there or dialled.node_id == node_id:
            return dialled
        return replace(dialled, endpoint=SipAddress(NODES, f"{dialled.endpoint.user}@{there}"))

    def dial_string(self, node_id: str, dialled: Dialled, variables: Mapping[str, str]) -> str:
        """What the bridge application of a node dials."""
        dialled = self.seen_from(node_id, dialled)
        if dialled.agent_id and isinstance(dialled.endpoint, Gateway):
            # what his network says before he answers is no answer, and nothing to ask for a key in
            variables = {**variables, "ignore_early_media": "true"}
        return call_variables(variables) + dialled.endpoint.render()

    def order(self, node_id: str, dialled: Dialled, running: Running, variables: Mapping[str, str]) -> Originate:
        """The order to a node to dial somebody who then runs ``running``."""
        dialled = self.seen_from(node_id, dialled)
        own = ("origination_uuid", "leg_timeout", "origination_caller_id_number")
        return Originate(
            dialled.endpoint,
            dialled.leg_id,
            application=running.application,
            argument=running.argument,
            caller_number=variables.get("origination_caller_id_number", ""),
            timeout_s=self.steering.ways.ring_s,
            variables={key: value for key, value in variables.items() if key not in own},
        )

    def begin(self, node: SwitchNode, order: Originate) -> None:
        """Dial, and do not wait: the leg's own facts tell what becomes of it."""
        self.tasks.once(f"dial {order.leg_id}", self._dial(node, order))

    async def ring(self, near: Leg, dialled: Dialled, role: LegRole, running: Running) -> Leg:
        """Ring somebody for the call of ``near``, on its switch, and return his leg when he has answered.

        Raises NotNow (party.unreachable) with the cause.
        """
        order = self.order(near.node_id, dialled, running, self.tags_of(dialled, near.call_id, role))
        try:
            came = (await self.steering.node(near).job(order, timeout=self.steering.ways.ring_s + JOB_MARGIN_S)).strip()
        except SwitchRefused as refused:
            cause = refused.cause or HangupCause.NORMAL_UNSPECIFIED.name
            raise NotNow("party.unreachable", f"he could not be rung: {cause}", cause=cause) from None
        if came != dialled.leg_id:
            # a uuid in use is silently replaced for some endpoints: that leg is nobody's
            with contextlib.suppress(SwitchRefused):
                await self.steering.node(near).api(UuidKill(LegId(came)))
            raise NotNow("leg.exists", f"leg {dialled.leg_id} exists already", leg_id=dialled.leg_id)
        await self.steering.until_known(dialled.leg_id)
        return await self.steering.until(
            lambda now: now.answered_at is not None, self.steering.leg(dialled.leg_id), "ring"
        )

    async def _dial(self, node: SwitchNode, order: Originate) -> None:
        try:
            await node.job(order, timeout=self.steering.ways.ring_s + JOB_MARGIN_S)
        except (SwitchRefused, SwitchDown) as error:
            log.info("dialling_ended", leg_id=order.leg_id, reason=str(error))
