"""Agents who sign in, calls that are controlled: checked against what is known, asked of acd or of the switch, answered when done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from ipcc.bus import Requester, View
from ipcc.call.model import Call, Leg
from ipcc.clock import Clock
from ipcc.contracts.acd import AcdCommand, EndWrapUp, SetNotReady, SetReady, SignIn, SignOut
from ipcc.contracts.call import PhoneChanged
from ipcc.contracts.config import ConfigChanged, Phone, Queue, User
from ipcc.errors import IpccError, NotFound, NotNow, SwitchRefused, Unavailable
from ipcc.esl.commands import Command, UuidHold, UuidKill
from ipcc.esl.port import Switches
from ipcc.ids import CallId
from ipcc.logging import SECRET_KEYS
from ipcc.metrics import CTI_CONTROL, Metrics
from services.ctiserver.changes import Changes
from services.ctiserver.core.control import GOAL, Verb, check_data, check_legal
from services.ctiserver.switch import Ear

log = structlog.get_logger(__name__)

T = TypeVar("T", User, Phone, Queue)


class Directory:
    """What the bank has configured, and which phones can be rung."""

    def __init__(self, config: View, phones: View) -> None:
        self._config = config
        self._phones = phones

    def agent(self, agent_id: str) -> User:
        """Raises NotFound for somebody who is not an agent, Unavailable while the configuration has not been read."""
        user = self._find(User, agent_id)
        if user is None or "agent" not in user.roles:
            raise NotFound("agent.unknown", f"there is no agent {agent_id}", agent_id=agent_id)
        return user

    def check_phone(self, phone_id: str) -> None:
        """Raises NotFound for a phone nobody configured, NotNow for one that cannot be rung."""
        if self._find(Phone, phone_id) is None:
            raise NotFound("phone.unknown", f"there is no phone {phone_id}", phone_id=phone_id)
        state = self.phone_state(phone_id)
        if state is None or not state.registered:
            raise NotNow("phone.not_registered", f"phone {phone_id} is not registered at any switch", phone_id=phone_id)

    def phone_state(self, phone_id: str) -> PhoneChanged | None:
        """The last word about the phone; None when it was never heard of."""
        event = self._phones.get(phone_id)
        return event.data if event and isinstance(event.data, PhoneChanged) else None

    def phones(self) -> list[tuple[str, str, PhoneChanged | None]]:
        """Id, name and state of every phone that is configured or was heard of; a name is empty when it is not configured."""
        names = {found.id: found.name for found in self._all(Phone)}
        return [
            (phone_id, names.get(phone_id, ""), self.phone_state(phone_id))
            for phone_id in sorted({*names, *self._phones})
        ]

    def queue_name(self, queue_id: str) -> str:
        """What people call the queue; its id when it is not known."""
        event = self._config.get(f"queue/{queue_id}")
        found = event.data.object if event and isinstance(event.data, ConfigChanged) else None
        return found.name if found else queue_id

    def _find(self, kind: type[T], object_id: str) -> T | None:
        if not self._config.is_ready:
            raise Unavailable("config.not_ready", "the configuration has not been read yet")
        event = self._config.get(f"{kind.model_fields['kind'].default}/{object_id}")
        found = event.data.object if event and isinstance(event.data, ConfigChanged) else None
        return found if isinstance(found, kind) else None

    def _all(self, kind: type[T]) -> list[T]:
        found = (event.data.object for event in self._config.values() if isinstance(event.data, ConfigChanged))
        return [one for one in found if isinstance(one, kind)]


@dataclass(frozen=True)
class AgentDesk:
    """What an agent can ask of acd. Every answer is acd's own, every refusal too."""

    directory: Directory
    requester: Requester
    ask_timeout_s: float

    async def sign_in(self, agent_id: str, phone_id: str | None, ready: bool) -> Mapping[str, Any]:
        """Bind the agent to a phone that can be rung; without ``phone_id`` to the one configured for him."""
        user = self.directory.agent(agent_id)
        chosen = phone_id or user.phone
        if not chosen:
            raise NotNow("agent.no_phone", f"agent {agent_id} has no phone of his own: name one", agent_id=agent_id)
        self.directory.check_phone(chosen)
        return await self._ask(SignIn(domain=user.domain, agent_id=agent_id, phone_id=chosen, ready=ready))

    async def sign_out(self, agent_id: str, force: bool) -> Mapping[str, Any]:
        """The agent goes."""
        user = self.directory.agent(agent_id)
        return await self._ask(SignOut(domain=user.domain, agent_id=agent_id, force=force))

    async def set_ready(self, agent_id: str) -> Mapping[str, Any]:
        """The agent takes contacts."""
        user = self.directory.agent(agent_id)
        return await self._ask(SetReady(domain=user.domain, agent_id=agent_id))

    async def set_not_ready(self, agent_id: str, reason: str) -> Mapping[str, Any]:
        """The agent takes none, for ``reason``."""
        user = self.directory.agent(agent_id)
        return await self._ask(SetNotReady(domain=user.domain, agent_id=agent_id, reason=reason))

    async def end_wrap_up(self, agent_id: str, code: str) -> Mapping[str, Any]:
        """The agent has finished his after-call work."""
        user = self.directory.agent(agent_id)
        return await self._ask(EndWrapUp(domain=user.domain, agent_id=agent_id, code=code))

    async def _ask(self, command: AcdCommand) -> Mapping[str, Any]:
        return await self.requester.ask(command, self.ask_timeout_s)


@dataclass(frozen=True)
class CallControl:
    """Calls and legs, and what can be done to them."""

    ear: Ear
    switches: Switches
    changes: Changes
    clock: Clock
    metrics: Metrics
    timeout_s: float

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

    async def control(self, verb: Verb, leg_id: str) -> Leg:
        """Do ``verb`` and return the leg when the switch has done it.

        Raises NotFound, NotNow (wrong state, or the leg ended meanwhile), SwitchDown, SwitchRefused, and Unavailable
        (leg.not_done) when the switch accepted it and did nothing in time.
        """
        try:
            leg = await self._control(verb, leg_id)
        except IpccError as error:
            self.metrics.count(CTI_CONTROL, verb=verb.value, result=error.code)
            raise
        self.metrics.count(CTI_CONTROL, verb=verb.value, result="done")
        return leg

    async def hang_up_call(self, call_id: str) -> Call:
        """Hang up every leg of the call and return it when all have ended. Raises as ``control``, and NotNow when it is over."""
        call = self.call(call_id)
        if call.ended_at is not None and not call.live:
            raise NotNow("call.ended", f"call {call_id} has ended", call_id=call_id)
        for leg_id in sorted(call.live):
            try:
                await self.control(Verb.HANG_UP, leg_id)
            except NotNow:
                # it ended by itself, often because its partner did
                continue
        return self.call(call_id)

    def attach(self, call_id: str, data: Mapping[str, str]) -> Call:
        """Join business data to a live call. Raises NotFound, NotNow, Invalid, Unavailable."""
        call = self.call(call_id)
        if call.ended_at is not None:
            raise NotNow("call.ended", f"call {call_id} has ended", call_id=call_id)
        check_data(data, SECRET_KEYS)
        if not self.ear.is_attentive:
            raise Unavailable("call.not_ready", "what was told about calls is being read back")
        self.ear.tell(self.ear.fold.attach(CallId(call_id), dict(data), self.clock.now()))
        return self.call(call_id)

    async def _control(self, verb: Verb, leg_id: str) -> Leg:
        leg = self.leg(leg_id)
        check_legal(verb, leg)
        node = self.switches.node(leg.node_id)
        try:
            await node.api(_command(verb, leg), timeout=self.timeout_s)
        except SwitchRefused:
            if await node.exists(leg.leg_id):
                raise
            raise NotNow("leg.ended", f"leg {leg_id} has ended", leg_id=leg_id) from None
        if not await self.changes.until(lambda: self._is_done(verb, leg_id), self.timeout_s):
            # +OK means accepted, never done
            raise Unavailable(
                "leg.not_done", f"the switch took {verb.value} of leg {leg_id} and has not done it", leg_id=leg_id
            )
        now = self.leg(leg_id)
        if not now.is_live and verb is not Verb.HANG_UP:
            raise NotNow("leg.ended", f"leg {leg_id} ended meanwhile", leg_id=leg_id)
        return now

    def _is_done(self, verb: Verb, leg_id: str) -> bool:
        leg = self.ear.book.leg(leg_id)
        return leg is None or not leg.is_live or leg.state in GOAL[verb]


def _command(verb: Verb, leg: Leg) -> Command:
    if verb is Verb.HANG_UP:
        return UuidKill(leg.leg_id)
    return UuidHold(leg.leg_id, is_on=verb is Verb.HOLD)
