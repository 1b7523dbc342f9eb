"""Give variables a value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from services.ivr.core.actions import Input
from services.ivr.core.steps import Go, NodeModel, Step, Variable

if TYPE_CHECKING:
    from services.ivr.core.session import Session

_NAMED = re.compile(r"\{([a-z][a-z0-9_]*)\}")


class SetNode(NodeModel):
    """Sets ``values``; ``{name}`` inside a text stands for that variable. ``private`` keeps them from agents and topics.

    ``replace`` then changes characters of each, such as ``{"*": "."}`` for an amount keyed with a star.
    """

    kind: Literal["set"]
    values: dict[Variable, str] = Field(min_length=1)
    replace: dict[str, str] = Field(default_factory=dict)
    private: bool = False
    next: str

    def step(self, session: Session, given: Input | None) -> Step:
        found = {name: self._filled(text, session) for name, text in self.values.items()}
        # its value of before is gone, also where it was kept from agents and is not any more, or the other way round
        if self.private:
            return Go(self.next, outcome="set", private=found, forget=tuple(found))
        return Go(self.next, outcome="set", variables=found, forget=tuple(found))

    def _filled(self, text: str, session: Session) -> str:
        known = session.speakable()
        filled = _NAMED.sub(lambda found: known.get(found.group(1), ""), text)
        for old, new in self.replace.items():
            filled = filled.replace(old, new)
        return filled[:200]

    def reveals(self) -> tuple[str, ...]:
        return tuple(name for text in self.values.values() for name in _NAMED.findall(text))

    def needs(self) -> tuple[str, ...]:
        return ()

    def sets(self) -> tuple[str, ...]:
        return tuple(self.values)
