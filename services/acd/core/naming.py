"""Names made from what they name, so that a replay of the log makes the same ones."""

from __future__ import annotations

from uuid import UUID, uuid5

_OFFERS = UUID("6f1c7f0e-2a53-5d0c-9b57-0c1d8f5a7e11")


def customer_leg_of(offer_id: str) -> str:
    """The uuid of the leg to the customer who is called back for an offer."""
    return str(uuid5(_OFFERS, f"customer\n{offer_id}"))


def offer_id_of(domain: str, entry_id: str, epoch: int) -> str:
    """The id of an offer, which is the uuid of the agent's leg too. ``epoch`` rises with every offer of the domain."""
    return str(uuid5(_OFFERS, f"{domain}\n{entry_id}\n{epoch}"))
