"""Flow sessions, told by ivr alone. What a caller keys is never in here: only that something was keyed, and of what kind."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from ipcc.contracts.payload import Payload
from ipcc.contracts.topics import IVR, IVR_COMMAND, Topic


class IvrPayload(Payload):
    """Something about one session: one caller walking through one published flow version."""

    TOPIC: ClassVar[Topic] = IVR

    call_id: str
    session_id: str

    def key(self) -> str:
        return self.call_id


class SessionStarted(IvrPayload):
    """A caller met a flow; or his leg was lent to one (RunFlow): ``is_lent``, with the ``given`` it may know, and no entry point.
    ``dialled_number`` and who calls are what another replica needs to go on, copied from the call.

    Of an order, ``by`` gave it, and ``sealed`` are its inputs: ivr alone opens them."""

    TYPE: ClassVar[str] = "ipcc.ivr.session_started"

    flow_id: str
    flow_version: int
    entry_point: str
    node_id: str
    leg_id: str
    language: str = ""
    is_lent: bool = False
    given: dict[str, str] = Field(default_factory=dict)
    dialled_number: str = ""
    caller_number: str = ""
    caller_name: str = ""
    by: str = ""
    sealed: str = ""


class NodeEntered(IvrPayload):
    """The session stands at this node of the flow; ``place`` is all another replica needs to resume there (no secrets).
    ``visit`` counts the nodes of the session from 1; ``queue_id`` is where he waits, at a node that is a queue."""

    TYPE: ClassVar[str] = "ipcc.ivr.node_entered"

    flow_node: str
    kind: str
    place: dict[str, str] = Field(default_factory=dict)
    visit: int = 0
    queue_id: str = ""


class NodeLeft(IvrPayload):
    """The node is done: ``outcome`` names the way out, or hung_up, stopped, failed where the session ended there;
    ``input_kind`` is digits, speech, none or timeout, never the value; so often something was ``keyed`` and so often nothing came
    (``timeouts``). Of every node entered it is told once, by the replica that was there last.
    """

    TYPE: ClassVar[str] = "ipcc.ivr.node_left"

    flow_node: str
    kind: str
    outcome: str
    input_kind: str = "none"
    elapsed_ms: int = 0
    flow_id: str = ""
    flow_version: int = 0
    visit: int = 0
    keyed: int = 0
    timeouts: int = 0


class BankOperationDone(IvrPayload):
    """An answer of the bank core: ``outcome`` is ok, refused, unavailable or unknown; never amounts or numbers."""

    TYPE: ClassVar[str] = "ipcc.ivr.bank_operation_done"

    operation: str
    outcome: str
    code: str = ""
    elapsed_ms: int = 0


class ConsentAnswered(IvrPayload):
    """The customer was asked whether he agrees to what an agent has prepared, ``by`` whom: ``outcome`` is agreed, refused or
    no_answer. ``said`` are the prompts in their order; of a value what kind it was and which variable, never the value:
    with the flow's version and the audit of the order that is what he heard."""

    TYPE: ClassVar[str] = "ipcc.ivr.consent_answered"

    flow_id: str
    flow_version: int
    flow_node: str
    about: str
    outcome: str
    language: str
    said: tuple[str, ...] = ()
    by: str = ""


class SurveyAnswered(IvrPayload):
    """The caller answered one question of a survey by a key from 1 up."""

    TYPE: ClassVar[str] = "ipcc.ivr.survey_answered"

    survey: str
    question: str
    answer: int


class MessageLeft(IvrPayload):
    """The caller left a message for the agents of ``queue_id``; ``path`` is its place in the switch's spool. ``seconds`` of it were
    spoken at most: the silence that ended it does not count. ``attributes`` are what an agent may see, never secrets."""

    TYPE: ClassVar[str] = "ipcc.ivr.message_left"

    queue_id: str
    path: str
    seconds: int
    caller_number: str = ""
    attributes: dict[str, str] = Field(default_factory=dict)


class FaxOrdered(IvrPayload):
    """A ``document`` goes to a number, whether the caller stays on the line or not: tried at most ``attempts`` times, ``pause_s``
    seconds apart, none begun after ``until``. What it says and the number lie in the spool of the switch ``node_id``, never here.
    FaxDone with ``is_last`` ends it."""

    TYPE: ClassVar[str] = "ipcc.ivr.fax_ordered"

    fax_id: str
    document: str
    node_id: str
    attempts: int
    pause_s: int
    ring_s: int
    until: datetime


class FaxStarted(IvrPayload):
    """The try number ``attempt`` of an ordered fax dials with the leg ``leg_id``: whoever goes on with it looks there first."""

    TYPE: ClassVar[str] = "ipcc.ivr.fax_started"

    fax_id: str
    attempt: int
    leg_id: str


class FaxDone(IvrPayload):
    """One try to fax a ``document`` (what kind it is), to the ``caller`` on his own line or to a ``number`` (then with ``fax_id``, and
    maybe long after the session): ``outcome`` is sent, no_fax, busy, no_answer, wrong_number, dropped, failed, refused, not_drawn or
    unknown; ``is_last``: it is not tried again. Neither what it says nor the number is ever here."""

    TYPE: ClassVar[str] = "ipcc.ivr.fax_done"

    document: str
    to: str
    outcome: str
    pages: int = 0
    reason: str = ""
    attempt: int = 1
    fax_id: str = ""
    is_last: bool = True


class SessionEnded(IvrPayload):
    """The session is over: ``outcome`` is completed, hung_up, answered_by_agent, transferred, stopped, failed or
    resumed_elsewhere."""

    TYPE: ClassVar[str] = "ipcc.ivr.session_ended"

    outcome: str
    last_flow_node: str
    elapsed_ms: int = 0


class FlowReturned(IvrPayload):
    """A flow that somebody sent a leg through (RunFlow) is over and lets go of the leg, parked and silent: ``results`` are
    the values that the flow names as its results, never secrets; ``outcome`` is that of its return node, or hung_up,
    stopped, failed or where else the flow has sent the caller.

    ``movement`` is what the bank said of an order to move something, whatever the outcome: ok, refused, unavailable (nothing was
    moved), unknown; empty when it was not asked. ``sealed`` are the results the customer agreed to show his agent."""

    TYPE: ClassVar[str] = "ipcc.ivr.flow_returned"

    leg_id: str
    flow_id: str
    outcome: str
    results: dict[str, str] = Field(default_factory=dict)
    movement: str = ""
    sealed: str = ""


class IvrCommand(Payload):
    """An order to ivr, keyed by the call; answered on the reply topic."""

    TOPIC: ClassVar[Topic] = IVR_COMMAND

    call_id: str

    def key(self) -> str:
        return self.call_id


class ListOrders(IvrCommand):
    """Which flows may somebody with these ``roles`` and ``skills`` order for this call; the answer has their forms (OrderForm) as
    ``orders``, each with ``flow_id`` and ``flow_version``."""

    TYPE: ClassVar[str] = "ipcc.ivr.command.list_orders"

    roles: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


class CheckOrder(IvrCommand):
    """Whether this may be ordered, before anybody's leg is touched: refused as RunFlow would refuse it, naming the field.

    The answer has ``flow_version`` and ``form``."""

    TYPE: ClassVar[str] = "ipcc.ivr.command.check_order"

    session_id: str
    flow_id: str
    sealed: str
    roles: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    by: str = ""


class RunFlow(IvrCommand):
    """Let a leg that its agent has set aside walk through a flow (a password, a payment), and give it back with FlowReturned.

    Answered when the session has begun, or refused: unknown flow, leg gone, a session of this leg already running.
    Repeating it with the same ``session_id`` changes nothing and gives the same answer. A flow that declares what may be ordered of
    it is run by an order alone: its inputs ``sealed``, and the ``roles`` and ``skills`` of who gives it.
    """

    TYPE: ClassVar[str] = "ipcc.ivr.command.run_flow"

    session_id: str
    leg_id: str
    node_id: str
    flow_id: str
    language: str = ""
    data: dict[str, str] = Field(default_factory=dict, description="what the flow may know: no secrets")
    by: str = ""
    sealed: str = ""
    roles: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


class StopFlow(IvrCommand):
    """Take the leg back before its flow is over; FlowReturned follows with the outcome ``stopped``."""

    TYPE: ClassVar[str] = "ipcc.ivr.command.stop_flow"

    session_id: str
    by: str = ""


IVR_PAYLOADS: tuple[type[Payload], ...] = (
    SessionStarted,
    NodeEntered,
    NodeLeft,
    BankOperationDone,
    ConsentAnswered,
    SurveyAnswered,
    MessageLeft,
    FaxOrdered,
    FaxStarted,
    FaxDone,
    SessionEnded,
    FlowReturned,
    ListOrders,
    CheckOrder,
    RunFlow,
    StopFlow,
)
