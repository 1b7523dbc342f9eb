"""Ask another system of the bank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.ivr.core.actions import CallService, Input, ServiceAnswer
from services.ivr.core.steps import Go, NodeModel, Perform, Step, Variable

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class HttpNode(NodeModel):
    """Sends ``inputs`` to ``path`` of the system named ``service`` (its address is in ``IPCC_IVR__HTTP_SERVICES``: a flow cannot
    reach any other), as JSON, or as the query of a GET. Fields of the answer named in ``outputs`` (``a.b`` for nested ones)
    become variables, private unless in ``shown``.

    A GET is tried twice, anything else once. Ways out: ``next``; ``on_refused`` for an answer 400 to 499; ``on_unavailable``.
    """

    kind: Literal["http"]
    service: str = Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")
    method: Literal["GET", "POST"] = "GET"
    path: str = Field(pattern=r"^/[A-Za-z0-9/_.-]{0,200}$")
    inputs: dict[str, Variable] = Field(default_factory=dict)
    outputs: dict[str, Variable] = Field(default_factory=dict)
    shown: tuple[Variable, ...] = ()
    timeout_s: float = Field(default=4.0, gt=0, le=20)
    next: str
    on_refused: str
    on_unavailable: str

    def step(self, session: Session, given: Input | None) -> Step:
        if not isinstance(given, ServiceAnswer):
            values = {name: session.known(variable) or "" for name, variable in self.inputs.items()}
            return Perform(CallService(self.service, self.method, self.path, values, self.timeout_s))
        if given.outcome != "ok":
            return Go(self.on_refused if given.outcome == "refused" else self.on_unavailable, outcome=given.outcome)
        found = {variable: given.values.get(name, "") for name, variable in self.outputs.items()}
        shown = {name: value for name, value in found.items() if name in self.shown}
        return Go(self.next, outcome="ok", variables=shown, private={k: v for k, v in found.items() if k not in shown})

    def reveals(self) -> tuple[str, ...]:
        return tuple(self.inputs.values())

    def sets(self) -> tuple[str, ...]:
        return tuple(self.outputs.values())
