"""Ask the bank core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.ivr.core.actions import BankAnswer, CallBank, Input
from services.ivr.core.operations import OPERATIONS, SEALED, Kind
from services.ivr.core.steps import NOT, VERIFIED, Go, NodeModel, Perform, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class BankNode(NodeModel):
    """Calls ``operation`` with the variables of ``inputs`` and stores the answer's fields named in ``outputs``.

    Ways out: ``next`` when it was done; ``refused`` by the bank's reason code (else ``on_refused``); ``on_unavailable`` when
    the bank core is slow, down or its answer was lost; ``on_unknown`` (else ``on_unavailable``) when nobody can tell whether a
    movement of money was booked: that is said honestly. A number such as 12 in ``constants`` is sent as it stands.

    What the bank answers is ``private``: said to the caller, never told to topics or agents, and asked again when another
    replica takes over; only variables in ``shown`` are. A PIN or card security code is wiped with the answer. One that answers
    ``verified`` is a check: not passed, it makes that no, and wipes what its outputs were from an earlier one.
    """

    kind: Literal["bank"]
    operation: str = Field(pattern=r"^[a-z][a-z_]{0,40}$")
    inputs: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str] = Field(default_factory=dict)
    outputs: dict[str, str] = Field(default_factory=dict)
    shown: tuple[str, ...] = ()
    next: str
    refused: dict[str, str] = Field(default_factory=dict)
    on_refused: str
    on_unavailable: str
    on_unknown: str = ""

    @property
    def moves(self) -> bool:
        """Whether it has the bank move or change something."""
        return self.operation in OPERATIONS and OPERATIONS[self.operation].kind is Kind.MOVEMENT

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, BankAnswer):
            inputs = {p: session.known(v) or "" for p, v in self.inputs.items()}
            return Perform(CallBank(self.operation, {**self.constants, **inputs}))
        forget = tuple(v for p, v in self.inputs.items() if p in SEALED)
        if given.outcome == "ok":
            found = {variable: given.values.get(f, "") for f, variable in self.outputs.items()}
            shown = {name: value for name, value in found.items() if name in self.shown}
            private = {name: value for name, value in found.items() if name not in shown}
            return Go(self.next, outcome="ok", variables=shown, private=private, forget=forget)
        # what an earlier check had found does not outlive one that was not passed
        is_check = VERIFIED in self.outputs.values()
        unproved = {VERIFIED: NOT} if is_check else {}
        forget = (*forget, *(self.outputs.values() if is_check else ()))
        if given.outcome == "refused":
            target = self.refused.get(given.code, self.on_refused)
            return Go(target, outcome=f"refused {given.code}".strip(), variables=unproved, forget=forget)
        is_unknown = given.outcome == "unknown" and self.on_unknown
        target = self.on_unknown if is_unknown else self.on_unavailable
        return Go(target, outcome=given.outcome, variables=unproved, forget=forget)

    def needs(self) -> tuple[str, ...]:
        return tuple(self.inputs.values())

    def sets(self) -> tuple[str, ...]:
        return tuple(self.outputs.values())
