"""What a node answers: do this, go there, or it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, ConfigDict

from services.ivr.core.actions import Action, Input

if TYPE_CHECKING:
    from services.ivr.core.session import Session


@dataclass(frozen=True)
class Perform:
    """Stay at the node and do ``action``; ``attempt`` counts the tries of an input from 1."""

    action: Action
    attempt: int = 1


@dataclass(frozen=True)
class Go:
    """Leave for ``target`` by the way out named ``outcome``, with what became known; ``since`` when he stood there before."""

    target: str
    outcome: str
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    language: str = ""
    since: datetime | None = None


@dataclass(frozen=True)
class Finish:
    """The session is over."""

    outcome: str


Step = Perform | Go | Finish


class NodeModel(BaseModel):
    """Base of every node kind: its parameters, and one pure step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def step(self, session: Session, given: Input | None) -> Step:
        """The answer to ``given``; None when the node was just entered."""
        raise NotImplementedError

    def targets(self) -> tuple[str, ...]:
        """Every node that can follow: validation walks these."""
        raise NotImplementedError

    def needs(self) -> tuple[str, ...]:
        """Variables without which the node cannot work."""
        return ()

    def prompt_ids(self) -> tuple[str, ...]:
        """Prompts it may say, for the missing-prompt report."""
        return ()


class Stepping(Protocol):
    """Anything that walks like a node."""

    def step(self, session: Session, given: Input | None) -> Step: ...
