"""What somebody does to another's call, told for the audit (decision 0025); of his own that call's history tells."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from ipcc.audit import Act, Audit
from ipcc.call.model import Leg
from services.ctiserver.core.dialling import Target, TargetKind


@dataclass(frozen=True)
class About:
    """What an order is about: ``agent_id`` is whose it is; ``how`` says more."""

    kind: str
    object_id: str
    agent_id: str = ""
    call_id: str = ""
    how: str = ""

    @classmethod
    def leg(cls, leg: Leg | None, leg_id: str, target: Target | None = None) -> About:
        """An order about a leg, which need not be known."""
        if leg is None:
            return cls("leg", leg_id, how=_meant(target))
        return cls("leg", leg_id, leg.agent_id, leg.call_id, _meant(target))


def told(audit: Audit, actor: str, act: str, about: About) -> AbstractAsyncContextManager[Act | None]:
    """Audited when somebody does it to another; "" is this service itself, whose orders follow from others."""
    if not actor or actor == about.agent_id:
        return nullcontext()
    more = {"agent_id": about.agent_id, "call_id": about.call_id, "to": about.how}
    return audit.act(actor, act, about.kind, about.object_id, **more)


def _meant(target: Target | None) -> str:
    """Whom he is sent to, without the digits of any number."""
    if target is None:
        return ""
    return target.kind.value if target.kind is TargetKind.NUMBER else f"{target.kind.value} {target.value}"
