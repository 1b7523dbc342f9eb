"""The facts of recorded calls, and the rules that everything told about calls keeps."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from ipcc.call.model import Told
from ipcc.contracts import call as told
from ipcc.contracts.call import CallPayload
from ipcc.esl.meaning import Meaning
from ipcc.esl.normalise import normalise
from ipcc.esl.wire import Decoder, event_of
from tests.traces import recorded

# 01g changes to XML in the middle; 16c asked only for some of the events that make a life
WITH_CALLS = tuple(name for name in recorded.names() if name not in {"01g-commands", "16c-callcenter-latency"})
SHORT = tuple(name for name in WITH_CALLS if name[:2] in {"03", "05", "06", "07", "08", "09", "10", "12", "17"})


@cache
def facts_of(name: str, connection: str = "in") -> tuple[Meaning, ...]:
    """What the switch said in a recording."""
    frames = Decoder().feed(recorded.bytes_in(name, connection))
    return tuple(fact for frame in frames if frame.is_event for fact in normalise(event_of(frame)))


@dataclass
class Story:
    """What was told so far, with the rules it must keep."""

    begun: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    arrived: Counter[str] = field(default_factory=Counter)
    over: Counter[str] = field(default_factory=Counter)
    live: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    partner: dict[str, str] = field(default_factory=dict)

    def hear(self, payload: CallPayload) -> None:
        """One thing told; fails when it breaks a rule."""
        if isinstance(payload, told.CallArrived):
            self.arrived[payload.call_id] += 1
        elif isinstance(payload, told.CallEnded):
            assert not self.live[payload.call_id]
            self.over[payload.call_id] += 1
        elif isinstance(payload, told.LegStarted):
            assert self.arrived[payload.call_id] == 1
            self.begun[payload.leg_id] += 1
            self.live[payload.call_id].add(payload.leg_id)
        elif isinstance(payload, told.LegPayload):
            assert payload.leg_id in self.live[payload.call_id]
            self._hear_leg(payload)

    def _hear_leg(self, payload: told.LegPayload) -> None:
        if isinstance(payload, told.LegEnded):
            assert payload.leg_id not in self.partner
            self.ended[payload.leg_id] += 1
            self.live[payload.call_id].discard(payload.leg_id)
        elif isinstance(payload, told.LegsBridged):
            self.partner.update({payload.leg_id: payload.other_leg_id, payload.other_leg_id: payload.leg_id})
        elif isinstance(payload, told.LegsUnbridged):
            self.partner.pop(payload.leg_id, None)
            self.partner.pop(payload.other_leg_id, None)


def check_rules(out: Iterable[Told], *, all_over: bool = True) -> None:
    """Each leg begins once and ends once, each call arrives first and ends once, after its last leg but for late ones."""
    story = Story()
    for item in out:
        story.hear(item.payload)
    counts = [story.begun, story.arrived, story.ended, story.over]
    assert all(number == 1 for counted in counts for number in counted.values()), counts
    if all_over:
        assert story.begun.keys() == story.ended.keys()
        assert story.arrived.keys() == story.over.keys()
