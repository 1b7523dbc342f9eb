"""Change the language."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from services.ivr.core.actions import Input
from services.ivr.core.steps import Go, Language, NodeModel, Step

if TYPE_CHECKING:
    from services.ivr.core.session import Session


class LanguageNode(NodeModel):
    """From here on the caller hears ``language``."""

    kind: Literal["language"]
    language: Language
    next: str

    def step(self, session: Session, given: Input | None) -> Step:
        return Go(self.next, outcome=self.language, language=self.language)
