"""Channel variables by which a leg is found again after a crash, and the names of the roles."""

from __future__ import annotations

import re
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


LINE = "ipcc_line"
"""On an agent's nailed-up line, a leg that stands while contacts come and go: the agent's id. It is a phone, and no party of a call."""
_LINE = re.compile(r"line-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def line_place(leg_id: str) -> str:
    """How a nailed-up line is named where an agent's phone is."""
    return f"line-{leg_id}"


def is_line(place: str) -> bool:
    """Whether an agent's place is a nailed-up line."""
    return _LINE.fullmatch(place) is not None


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
