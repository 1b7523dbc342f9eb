"""Have the bank send the customer a text message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.ivr.core.actions import BankAnswer, CallBank, Input
from services.ivr.core.steps import Go, NodeModel, Perform, Step, Variable

if TYPE_CHECKING:
    from services.ivr.core.session import Session

OPERATION = "send_message"


class SmsNode(NodeModel):
    """Orders a message that the bank words by ``template``, with the variables of ``values`` in it: to the mobile the bank has of
    the customer whose card is in ``card_no``, or to the number in ``to``. Variables that are not known are left out.

    The order has one key for each visit: however often it is repeated, one message goes out. Ways out: ``next`` when it was handed
    over, and ``number_tail`` is known then, the last four digits it goes to; ``refused`` by the bank's reason code such as
    ``no_mobile`` (else ``on_refused``); ``on_unavailable`` when the bank core is down or its answer was lost.
    """

    kind: Literal["sms"]
    template: str = Field(pattern=r"^[a-z][a-z_]{0,31}$")
    card_no: Variable = "card_no"
    to: str = Field(default="", pattern=r"^([a-z][a-z0-9_]{0,31})?$")
    values: dict[Variable, Variable] = Field(default_factory=dict)
    next: str
    refused: dict[str, str] = Field(default_factory=dict)
    on_refused: str
    on_unavailable: str

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, BankAnswer):
            return Perform(CallBank(OPERATION, self._inputs(session)))
        if given.outcome == "ok":
            tail = {"number_tail": given.values.get("number_tail", "")}
            return Go(self.next, outcome="ordered", private=tail)
        if given.outcome == "refused":
            return Go(self.refused.get(given.code, self.on_refused), outcome=f"refused {given.code}".strip())
        return Go(self.on_unavailable, outcome=given.outcome)

    def _inputs(self, session: Session) -> dict[str, str]:
        asked = {"card_no": self.card_no, **self.values, **({"number": self.to} if self.to else {})}
        known = {name: session.known(variable) or "" for name, variable in asked.items()}
        return {"template": self.template, **{name: value for name, value in known.items() if value}}

    def parameters(self) -> frozenset[str]:
        """What it asks the bank with."""
        return frozenset({"template", "card_no", *self.values, *(("number",) if self.to else ())})

    def needs(self) -> tuple[str, ...]:
        return (self.card_no, self.to) if self.to else (self.card_no,)

    def reveals(self) -> tuple[str, ...]:
        # a message is read by whoever holds the phone
        return (*self.values.values(), *((self.to,) if self.to else ()))

    def sets(self) -> tuple[str, ...]:
        return ("number_tail",)
