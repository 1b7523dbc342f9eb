"""Who a customer has proved to be, kept for as long as his call lasts, so that nobody asks him twice. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from services.ivr.core.nodes.identify import NUMBER, SHOWN
from services.ivr.core.steps import VERIFIED

if TYPE_CHECKING:
    from services.ivr.core.session import Session

KNOWN = "is_known"
"""The private variable by which flows see that he need not be asked again."""
MOST = 20_000


@dataclass(frozen=True)
class Proof:
    """The number of a verified customer, a secret, and what may be known of him. Never his password."""

    leg_id: str
    number: str = field(repr=False)
    known: Mapping[str, str] = field(default_factory=dict)


def proof_of(session: Session) -> Proof | None:
    """What the session knows of a customer who has proved who he is; None for anybody else."""
    number = session.secrets.get(NUMBER, "")
    if session.variables.get(VERIFIED) != "yes" or not number:
        return None
    known = {name: session.variables[name] for name in (*SHOWN, VERIFIED) if name in session.variables}
    return Proof(session.leg_id, number, known)


def proved(session: Session, proof: Proof) -> Session:
    """The session of one who has proved it before, in the same call."""
    return replace(
        session,
        variables={**session.variables, **proof.known},
        private={**session.private, KNOWN: proof.known.get("customer_id") or "yes"},
        secrets={**session.secrets, NUMBER: proof.number},
    )


class Proofs:
    """By call, while the customer's leg lives and its partition is served here; the oldest go first."""

    def __init__(self) -> None:
        self._by_call: OrderedDict[str, tuple[Proof, int]] = OrderedDict()

    def keep(self, call_id: str, proof: Proof | None, partition: int) -> None:
        """What the last session of the call has found; one that found nothing ends what was found before."""
        self._by_call.pop(call_id, None)
        if proof is not None:
            self._by_call[call_id] = (proof, partition)
            if len(self._by_call) > MOST:
                self._by_call.popitem(last=False)

    def of(self, call_id: str, leg_id: str) -> Proof | None:
        """What is known of the customer on this leg of the call."""
        found, _ = self._by_call.get(call_id, (None, 0))
        return found if found is not None and found.leg_id == leg_id else None

    def forget(self, call_id: str, leg_id: str) -> None:
        """His leg is gone."""
        if self.of(call_id, leg_id) is not None:
            del self._by_call[call_id]

    def let_go(self, partition: int) -> None:
        """Another replica serves these calls now."""
        for call_id in [call for call, (_, home) in self._by_call.items() if home == partition]:
            del self._by_call[call_id]
