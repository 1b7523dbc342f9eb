"""An agent calls back whoever left the voicemail he has taken; the call carries the voicemail's id, so that the history shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import structlog

from ipcc.call.model import Leg
from ipcc.clock import Clock
from ipcc.contracts.recording import VoicemailChanged, VoicemailState
from ipcc.errors import NotAllowed, NotFound, NotNow
from services.ctiserver.core.dialling import Target, TargetKind
from services.ctiserver.core.voicemails import OpenVoicemails
from services.ctiserver.dialling import Asker
from services.ctiserver.usecases import CallControl

log = structlog.get_logger(__name__)

VOICEMAIL_ID, LEFT_IN = "voicemail_id", "voicemail_call_id"
DIALABLE = re.compile(r"\+?[0-9]{3,20}")
LOOK_S = 0.05


@dataclass(frozen=True)
class CallingBack:
    """``told_s``: so long may pass until what record answered a desktop has come here over the bus."""

    control: CallControl
    voicemails: OpenVoicemails
    clock: Clock
    told_s: float

    async def call_back(self, agent_id: str, voicemail_id: str, asker: Asker) -> Leg:
        """Ring the agent's phone, then the customer's; returns the agent's leg.

        Raises NotFound (voicemail.unknown: done, or never told of), NotNow (voicemail.not_taken, voicemail.no_number), NotAllowed
        (voicemail.not_yours), and as ``CallControl.dial``.
        """
        mail = await self._taken(voicemail_id)
        if mail.agent_id != agent_id:
            raise NotAllowed("voicemail.not_yours", f"voicemail {voicemail_id} was taken by {mail.agent_id}")
        if not DIALABLE.fullmatch(mail.caller_number):
            raise NotNow("voicemail.no_number", f"the number of whoever left voicemail {voicemail_id} is not known")
        leg = await self.control.dial(agent_id, Target(kind=TargetKind.NUMBER, value=mail.caller_number), asker)
        try:
            self.control.attach(leg.call_id, {VOICEMAIL_ID: voicemail_id, LEFT_IN: mail.call_id})
        except NotNow:
            # the phone was put down at once: there is nothing left to attach it to
            log.info("voicemail_not_attached", call_id=leg.call_id, voicemail_id=voicemail_id)
        return leg

    async def _taken(self, voicemail_id: str) -> VoicemailChanged:
        """The voicemail, once it is known as taken."""
        for _ in range(max(1, round(self.told_s / LOOK_S))):
            found = self.voicemails.find(voicemail_id)
            if found is None:
                raise NotFound("voicemail.unknown", f"there is no voicemail {voicemail_id} that is not done")
            if found.state is VoicemailState.TAKEN:
                return found
            await self.clock.sleep(LOOK_S)
        raise NotNow("voicemail.not_taken", f"voicemail {voicemail_id} was taken by nobody: take it first")
