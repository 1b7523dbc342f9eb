"""Channel variables by which a leg is found again after a crash, and the names of the roles."""

from __future__ import annotations

from enum import StrEnum

CALL_ID = "ipcc_call_id"
ROLE = "ipcc_role"
TRUNK = "ipcc_trunk"
OWNER = "ipcc_owner"  # the service that started the leg
OFFER_ID = "ipcc_offer_id"
ENTRY_ID = "ipcc_entry_id"
AGENT_ID = "ipcc_agent_id"
ATTEMPT_ID = "ipcc_attempt_id"
RECORDING = "ipcc_recording"  # where this leg's recording is written, relative to the spool


TRANSPORT = "transport"
"""What ``ROLE`` says of a leg that only carries one of another node: it is no party of any call, and nothing is told of it."""


class LegRole(StrEnum):
    """Why a leg exists."""

    CUSTOMER = "customer"
    AGENT = "agent"
    CONSULT = "consult"
    SUPERVISOR = "supervisor"
    PHONE = "phone"  # somebody at a desk phone dialled by hand
    UNKNOWN = "unknown"


def recording_name(call_id: str, leg_id: str) -> str:
    """The file of an agent leg, relative to the spool: the link from recording to leg is made at its start, in its name."""
    return f"recordings/{call_id}/{leg_id}.wav"
