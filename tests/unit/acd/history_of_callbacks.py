"""What happens to callbacks in a random history."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ipcc.contracts.call import LegAnswered, LegEnded
from ipcc.contracts.callback import CancelCallback, RequestCallback
from services.acd.core.inputs import PickedUp, Rang, RingFailed
from tests.unit.acd.world import NODE, World

CAUSES = (
    "NO_ANSWER",
    "USER_BUSY",
    "CALL_REJECTED",
    "USER_NOT_REGISTERED",
    "NORMAL_TEMPORARY_FAILURE",
    "NORMAL_CLEARING",
)


class CallbackHistory(RuleBasedStateMachine):
    """The part of a history that is about callbacks."""

    world: World
    callers: int

    def tell(self, given: object) -> None:
        """One input."""
        raise NotImplementedError

    @rule(
        data=st.data(), queue_id=st.sampled_from(("service", "cards")), by=st.sampled_from(("flow", "web", "waiting"))
    )
    def ask_to_be_called_back(self, data: st.DataObject, queue_id: str, by: str) -> None:
        terms: dict[str, Any] = {}
        if by == "waiting":
            # without a queue: who ended so long ago that he is forgotten must not be taken in a second time
            name = str(data.draw(st.integers(0, self.callers)))
        else:
            self.callers += 1
            name = str(self.callers)
            terms = {"queue_id": queue_id, "call_id": f"call-{name}" if by == "flow" else ""}
        number = f"1380000{int(name):04}"
        self.tell(RequestCallback(entry_id=f"entry-{name}", phone_number=number, **terms))

    @rule(data=st.data())
    def cancel_callback(self, data: st.DataObject) -> None:
        self.tell(CancelCallback(entry_id=f"entry-{data.draw(st.integers(0, self.callers))}"))

    @precondition(lambda self: self.world.state.by_customer)
    @rule(data=st.data(), what=st.sampled_from(("rang", "picked", "failed", "answered", "ended")))
    def happen_to_customer(self, data: st.DataObject, what: str) -> None:
        leg_id = data.draw(st.sampled_from(sorted(self.world.state.by_customer)))
        leg: dict[str, str] = {"call_id": "call", "leg_id": leg_id, "node_id": NODE}
        given: dict[str, object] = {
            "rang": Rang(leg_id, NODE),
            "picked": PickedUp(leg_id, NODE),
            "failed": RingFailed(leg_id, data.draw(st.sampled_from(CAUSES))),
            "answered": LegAnswered(**leg),
            "ended": LegEnded(**leg, cause=data.draw(st.sampled_from(CAUSES))),
        }
        self.tell(given[what])

    @precondition(lambda self: any(e.callback and e.leg_id for e in self.world.state.entries.values()))
    @rule(data=st.data())
    def customer_on_the_line_hangs_up(self, data: st.DataObject) -> None:
        legs = sorted(e.leg_id for e in self.world.state.entries.values() if e.callback and e.leg_id)
        leg_id = data.draw(st.sampled_from(legs))
        self.tell(LegEnded(call_id=leg_id, leg_id=leg_id, node_id=NODE, cause="NORMAL_CLEARING"))

    @invariant()
    def a_customer_is_dialled_for_one_offer_of_his(self) -> None:
        state = self.world.state
        dialled = [offer.entry_id for offer in state.offers.values() if offer.customer_leg]
        assert len(dialled) == len(set(dialled))
        assert all(state.entries[entry_id].is_to_be_dialled for entry_id in dialled)
        for entry in state.entries.values():
            assert entry.is_to_be_dialled == (entry.callback is not None and not entry.leg_id)
