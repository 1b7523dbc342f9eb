"""A flow: the document that says how callers are served."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ipcc.contracts.order import OrderForm
from ipcc.errors import Invalid
from services.ivr.core.nodes.bank import BankNode
from services.ivr.core.nodes.callback import CallbackNode
from services.ivr.core.nodes.collect import CollectNode
from services.ivr.core.nodes.consent import ConsentNode
from services.ivr.core.nodes.decide import DecideNode
from services.ivr.core.nodes.error import ErrorNode
from services.ivr.core.nodes.fax import FaxNode
from services.ivr.core.nodes.hang_up import HangUpNode
from services.ivr.core.nodes.http import HttpNode
from services.ivr.core.nodes.identify import IdentifyNode
from services.ivr.core.nodes.language import LanguageNode
from services.ivr.core.nodes.menu import MenuNode
from services.ivr.core.nodes.opening_hours import OpeningHoursNode
from services.ivr.core.nodes.play import PlayNode
from services.ivr.core.nodes.queue import QueueNode
from services.ivr.core.nodes.recognise import RecogniseNode
from services.ivr.core.nodes.record import RecordNode
from services.ivr.core.nodes.return_ import ReturnNode
from services.ivr.core.nodes.say import SayNode
from services.ivr.core.nodes.set import SetNode
from services.ivr.core.nodes.sms import SmsNode
from services.ivr.core.nodes.sub_flow import SubFlowNode
from services.ivr.core.nodes.survey import SurveyNode
from services.ivr.core.nodes.transfer import TransferNode
from services.ivr.core.nodes.voicemail import VoicemailNode
from services.ivr.core.speech import PromptId
from services.ivr.core.steps import Language

Node = Annotated[
    PlayNode
    | SayNode
    | MenuNode
    | CollectNode
    | ConsentNode
    | IdentifyNode
    | BankNode
    | DecideNode
    | SetNode
    | HttpNode
    | SmsNode
    | LanguageNode
    | OpeningHoursNode
    | SubFlowNode
    | ErrorNode
    | ReturnNode
    | QueueNode
    | CallbackNode
    | TransferNode
    | RecordNode
    | RecogniseNode
    | VoicemailNode
    | SurveyNode
    | FaxNode
    | HangUpNode,
    Field(discriminator="kind"),
]
BACK = "@back"


class Flow(BaseModel):
    """One version of one flow. ``resume`` is where a caller goes on whose session died with a secret it needs.

    ``keys`` are keys that mean the same everywhere: in a menu that does not use them itself, and keyed alone where a number is
    asked; each names a node, or ``@back`` for the menu before. ``on_error`` is where a caller goes when a node cannot do its
    work, such as saying an amount that is none; without it the safety net has him. That of a sub-flow holds inside it.
    ``apology`` is said first to a caller whose session was taken up again by another replica. ``order``: what an agent may order
    of it for the caller he talks to; its inputs are private variables, and ``ordered_by`` is who ordered.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    version: int = Field(ge=1)
    name: dict[Language, str]
    languages: tuple[Language, ...] = Field(min_length=1)
    start: str
    resume: str
    on_error: str = ""
    on_errors: dict[str, str] = Field(
        default_factory=dict,
        description="set when sub-flows are fitted in: their on_error by the beginning of their nodes",
    )
    apology: tuple[PromptId, ...] = ("interrupted",)
    keys: dict[Literal["*", "#", "0", "9"], str] = Field(default_factory=dict)
    order: OrderForm | None = None
    nodes: dict[str, Node] = Field(min_length=1)

    def handler_at(self, name: str) -> str:
        """Where a caller goes whose node ``name`` cannot do its work: the innermost handler that is not that node; may be empty."""
        inner = sorted((prefix for prefix in self.on_errors if name.startswith(prefix)), key=len, reverse=True)
        found = [*(self.on_errors[prefix] for prefix in inner), self.on_error]
        return next((handler for handler in found if handler and handler != name), "")

    @property
    def is_part(self) -> bool:
        """Whether it is made to be fitted into others: callers alone cannot meet it."""
        return any(isinstance(node, ReturnNode) and not node.next for node in self.nodes.values())


def read_document(document: object) -> Flow:
    """The flow in a JSON document, not yet checked. Raises Invalid naming the place and the reason."""
    try:
        return Flow.model_validate(document)
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:10]]
        problems = [
            {"node": ".".join(map(str, e["loc"][1:2])), "en": why, "zh": f"无法读取：{why}"}
            for e, why in zip(error.errors(), reasons, strict=False)
        ]
        raise Invalid("flow.invalid", f"the flow cannot be read: {'; '.join(reasons)}", problems=problems) from error
