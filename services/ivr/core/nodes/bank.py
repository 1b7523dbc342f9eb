"""Ask the bank core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.ivr.core.actions import BankAnswer, CallBank, Input
from services.ivr.core.steps import Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class BankNode(NodeModel):
    """Calls ``operation`` with the variables of ``inputs`` and stores the answer's fields named in ``outputs``.

    Ways out: ``next`` when it was done; ``refused`` by the bank's reason code (else ``on_refused``); ``on_unavailable`` when
    the bank core is slow, down or its answer was lost: for a movement of money that is said honestly.
    """

    kind: Literal["bank"]
    operation: str = Field(pattern=r"^[a-z][a-z_]{0,40}$")
    inputs: dict[str, str] = Field(default_factory=dict)
    outputs: dict[str, str] = Field(default_factory=dict)
    next: str
    refused: dict[str, str] = Field(default_factory=dict)
    on_refused: str
    on_unavailable: str

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, BankAnswer):
            return Perform(CallBank(self.operation, {p: session.known(v) or "" for p, v in self.inputs.items()}))
        if given.outcome == "ok":
            found = {variable: given.values.get(f, "") for f, variable in self.outputs.items()}
            return Go(self.next, outcome="ok", variables=found)
        if given.outcome == "refused":
            return Go(self.refused.get(given.code, self.on_refused), outcome=f"refused {given.code}".strip())
        return Go(self.on_unavailable, outcome=given.outcome)

    def targets(self) -> tuple[str, ...]:
        return (self.next, *self.refused.values(), self.on_refused, self.on_unavailable)

    def needs(self) -> tuple[str, ...]:
        return tuple(self.inputs.values())
