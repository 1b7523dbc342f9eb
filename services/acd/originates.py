"""The orders to dial: an agent, or a customer who is called back. Everything that must happen with every service down is a
variable of the leg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ipcc.contracts import tags
from ipcc.contracts.tags import LegRole
from ipcc.dialling import is_outside
from ipcc.esl.commands import Originate
from ipcc.esl.dialstring import Gateway, confirmation, place_of, staying
from ipcc.esl.quoting import presentable
from ipcc.ids import LegId
from services.acd.core.effects import DialCustomer, RingAgent

OWNER = "acd"
# the switch's own time limit is a backstop only, and may come a second early (recorded fact 23)
BACKSTOP_S = 3
GREETING = "callback-hello"


@dataclass(frozen=True)
class Dialling:
    """How agents and customers are dialled. ``recordings_root`` and ``sounds_dir`` as the switch sees them.

    ``net_s``: a customer who was called back and is with nobody after so many seconds is given to the safety net.
    """

    recordings_root: Path
    phone_domain: str = ""
    join_timeout_s: float = 0.5
    caller_number: str = "95500"
    confirm_key: str = ""
    confirm_sound: str = ""
    gateway: str = "demo"
    sounds_dir: str = ""
    net_s: int = 180


def originate_of(effect: RingAgent | DialCustomer, dialling: Dialling) -> Originate:
    """The order to dial for ``effect``."""
    return _agent(effect, dialling) if isinstance(effect, RingAgent) else _customer(effect, dialling)


def _agent(effect: RingAgent, dialling: Dialling) -> Originate:
    leg = LegId(effect.offer_id)
    path = dialling.recordings_root / tags.recording_name(effect.call_id, leg)
    outside = is_outside(effect.phone_id)
    endpoint = place_of(effect.phone_id, dialling.phone_domain)
    variables: Mapping[str, str] = {
        tags.CALL_ID: effect.call_id,
        tags.ROLE: LegRole.AGENT.value,
        tags.OWNER: OWNER,
        tags.OFFER_ID: effect.offer_id,
        tags.ENTRY_ID: effect.entry_id,
        tags.AGENT_ID: effect.agent_id,
        tags.RECORDING: tags.recording_name(effect.call_id, leg),
        "RECORD_STEREO": "true",
        "execute_on_answer": f"record_session {path}",
        **staying(endpoint),
        **(confirmation(dialling.confirm_key, dialling.confirm_sound) if outside else {}),
    }
    return Originate(
        endpoint=endpoint,
        leg_id=leg,
        application="playback" if effect.music else "park",
        argument=effect.music,
        # the trunk takes calls from the bank's own number only
        caller_name="" if outside else presentable(effect.caller_name),
        caller_number=dialling.caller_number if outside else presentable(effect.caller_number),
        timeout_s=effect.ring_s + BACKSTOP_S,
        variables=variables,
    )


def _customer(effect: DialCustomer, dialling: Dialling) -> Originate:
    leg = LegId(effect.leg_id)
    net = f"sched_transfer +{dialling.net_s} {leg} fallback XML safety"
    is_greeted = bool(effect.greeting_language)
    return Originate(
        endpoint=Gateway(effect.gateway or dialling.gateway, effect.phone_number),
        leg_id=leg,
        application="playback" if is_greeted else "park",
        argument=_heard(effect, dialling) if is_greeted else "",
        caller_number=dialling.caller_number,
        timeout_s=effect.ring_s + BACKSTOP_S,
        variables={
            tags.CALL_ID: effect.call_id,
            tags.ROLE: LegRole.CUSTOMER.value,
            tags.OWNER: OWNER,
            tags.OFFER_ID: effect.offer_id,
            tags.ENTRY_ID: effect.entry_id,
            "force_transfer_context": "transfers",
            # the safety net of a caller who came in has the same parts (dialplan public)
            "api_on_answer_1": net,
            "api_before_bridge_1": f"sched_del {leg}",
            "api_after_bridge_1": f"sched_del {leg}",
            "api_after_bridge_2": net,
        },
    )


def _heard(effect: DialCustomer, dialling: Dialling) -> str:
    """Who calls, then music without end."""
    greeting = f"{dialling.sounds_dir}/{effect.greeting_language}/{GREETING}.wav"
    return f"file_string://{greeting}!{effect.music}" if effect.music else greeting
