"""Contacts in writing (chat, mail, messages): what acd tells of them besides, and the commands it takes for them.

The conversation itself belongs to the service that queued it. Nothing of it has a leg: an offer is taken or declined at the agent's
desktop, and the owner of the conversation says when it is over.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from ipcc.contracts.acd import AcdCommand, AcdPayload
from ipcc.contracts.payload import Payload


class AgentMediumChanged(AcdPayload):
    """How the agent stands in one medium of writing from now on: ``offered`` to him, ``serving``, ``wrapping`` up after them.

    ``reason``: why he is offered no more of it until he is ready again; "" when he is.
    """

    TYPE: ClassVar[str] = "ipcc.acd.agent_medium_changed"

    agent_id: str
    medium: str
    offered: int = Field(ge=0)
    serving: int = Field(ge=0)
    wrapping: int = Field(ge=0)
    capacity: int = Field(ge=0, description="so many he may hold, as administered then")
    reason: str = ""


class ContactEnded(AcdPayload):
    """The conversation in writing is over; its agent has until ``until`` to finish his work on it."""

    TYPE: ClassVar[str] = "ipcc.acd.contact_ended"

    entry_id: str
    call_id: str
    queue_id: str
    agent_id: str
    medium: str
    until: AwareDatetime


class AcceptOffer(AcdCommand):
    """The agent takes the contact in writing that is offered to him. Repeating it gives the same answer."""

    TYPE: ClassVar[str] = "ipcc.acd.command.accept_offer"

    agent_id: str
    offer_id: str


class DeclineOffer(AcdCommand):
    """The agent does not take the contact in writing that is offered to him."""

    TYPE: ClassVar[str] = "ipcc.acd.command.decline_offer"

    agent_id: str
    offer_id: str


class EndContact(AcdCommand):
    """The conversation in writing is over, says the service that owns it. Repeating it gives the same answer."""

    TYPE: ClassVar[str] = "ipcc.acd.command.end_contact"

    entry_id: str
    by: str = ""


DIGITAL_PAYLOADS: tuple[type[Payload], ...] = (
    AgentMediumChanged,
    ContactEnded,
    AcceptOffer,
    DeclineOffer,
    EndContact,
)
