"""What an agent orders for the customer he talks to: which forms there are, the order itself, and how it was told to ivr."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

from ipcc.audit import Act, Audit
from ipcc.bus import Requester
from ipcc.call.model import Leg
from ipcc.contracts.ivr import CheckOrder, ListOrders
from ipcc.contracts.order import OrderForm
from ipcc.errors import Invalid, Unavailable
from ipcc.sealed import Sealer, order_of, results_of
from services.ctiserver.core.control import Verb
from services.ctiserver.core.dialling import Target, TargetKind
from services.ctiserver.dialling import Asker
from services.ctiserver.directory import Directory
from services.ctiserver.flows import Order, check_flow_id
from services.ctiserver.usecases import Ask, CallControl

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wanted:
    """An order as it was asked for; the values of ``inputs`` may be a customer's."""

    flow_id: str
    inputs: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class OrderDesk:
    """``sealer`` None: nobody has set the key of the orders, and nothing can be ordered."""

    control: CallControl
    directory: Directory
    requester: Requester
    audit: Audit
    sealer: Sealer | None
    ask_timeout_s: float

    async def forms(self, leg: Leg, asker: Asker) -> list[dict[str, Any]]:
        """What he may order in this call. Raises Unavailable."""
        asked = ListOrders(call_id=leg.call_id, roles=_sorted(asker.roles), skills=self._skills(asker))
        answer = await self.requester.ask(asked, self.ask_timeout_s)
        return list(answer.get("orders", ()))

    async def order(self, leg: Leg, wanted: Wanted, asker: Asker) -> tuple[str, Leg]:
        """Send the customer through the flow with what was prepared: the order's session, and the agent's leg once it has begun.

        Nobody's leg is touched before ivr has found the order right. Raises as call control and as ivr does (order.*), and
        Unavailable (order.no_key). Whoever ordered, what and with what, is audited with the customer's numbers masked.
        """
        check_flow_id(wanted.flow_id)
        session_id = asker.leg("flow")
        known = {"flow": wanted.flow_id, "session_id": session_id, "leg_id": leg.leg_id}
        async with self.audit.act(asker.subject, "order", "call", leg.call_id, **known) as act:
            sealed = self._sealed(wanted, session_id)
            order = Order(session_id, wanted.inputs, sealed, _sorted(asker.roles), self._skills(asker))
            await self._check(leg, wanted, order, asker, act)
            target = Target(kind=TargetKind.FLOW, value=wanted.flow_id)
            done = await self.control.do(Ask(Verb.SEND_TO_FLOW, leg.leg_id, target, order=order), asker)
        return session_id, done

    async def _check(self, leg: Leg, wanted: Wanted, order: Order, asker: Asker, act: Act) -> None:
        asked = CheckOrder(
            call_id=leg.call_id,
            session_id=order.session_id,
            flow_id=wanted.flow_id,
            sealed=order.sealed,
            roles=order.roles,
            skills=order.skills,
            by=asker.subject,
        )
        answer = await self.requester.ask(asked, self.ask_timeout_s)
        form = OrderForm.model_validate(answer["form"])
        act.details["flow_version"] = str(answer["flow_version"])
        for name, field_ in form.inputs.items():
            if wanted.inputs.get(name):
                act.details[f"input_{name}"] = field_.masked(wanted.inputs[name])

    def _sealed(self, wanted: Wanted, session_id: str) -> str:
        if self.sealer is None:
            raise Unavailable("order.no_key", "nothing can be ordered: set order_key_file for ctiserver and ivr")
        return self.sealer.seal(wanted.inputs, order_of(session_id))

    def _skills(self, asker: Asker) -> tuple[str, ...]:
        user = None
        with suppress(Unavailable):
            user = self.directory.user_or_none(asker.subject)
        return tuple(sorted(user.skills)) if user else ()


def _sorted(roles: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(roles))


def opened_results(sealer: Sealer | None, session_id: str, text: str) -> Mapping[str, str]:
    """What an order shows whoever gave it; nothing where it cannot be opened."""
    try:
        return sealer.open(text, results_of(session_id)) if sealer else {}
    except Invalid as error:
        log.error("results_not_opened", session_id=session_id, code=error.code)
        return {}
