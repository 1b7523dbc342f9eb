"""What a node answers: do this, go there, or it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field

from services.ivr.core.actions import Action, Input
from services.ivr.core.speech import Spoken, prompt_ids_of, variables_of

if TYPE_CHECKING:
    from services.ivr.core.session import Session

Variable = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


VERIFIED = "verified"
"""The variable that says whether the caller has proved who he is: yes, or no."""
NOT = "no"


@dataclass(frozen=True)
class Perform:
    """Stay at the node and do ``action``; ``attempt`` counts the tries of an input from 1, ``phase`` names where a node of
    several questions stands. What is known is wiped first where ``forget`` names it."""

    action: Action
    attempt: int = 1
    phase: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    forget: tuple[str, ...] = ()
    told: tuple[Told, ...] = ()


@dataclass(frozen=True)
class Go:
    """Leave for ``target`` by the way out named ``outcome``, with what became known; ``since`` when he stood there before.

    ``variables`` are told to agents and kept on the topic, ``private`` and ``secrets`` are not; ``forget`` wipes what it
    names; ``told`` are facts beyond the way out: an answer to a survey, a message left. ``error`` is the code of what went
    wrong here.
    """

    target: str
    outcome: str
    variables: Mapping[str, str] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    forget: tuple[str, ...] = ()
    language: str = ""
    since: datetime | None = None
    told: tuple[Told, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class SurveyAnswer:
    """One answer to one question of a survey."""

    survey: str
    question: str
    answer: int


@dataclass(frozen=True)
class Message:
    """A message for the agents of ``queue``."""

    queue: str
    path: str
    seconds: int


@dataclass(frozen=True)
class FaxTold:
    """How one try to fax a ``document`` to the caller went; never what it says."""

    document: str
    outcome: str
    pages: int
    reason: str
    attempt: int
    is_last: bool


@dataclass(frozen=True)
class Consent:
    """What the customer answered to what his agent has prepared; ``said`` holds no values."""

    about: str
    outcome: str
    said: tuple[str, ...]


Told = SurveyAnswer | Message | FaxTold | Consent


@dataclass(frozen=True)
class Finish:
    """The session is over; ``returned`` and ``results`` (names of variables) are for whoever had lent the leg to the flow."""

    outcome: str
    returned: str = ""
    results: tuple[str, ...] = ()


Step = Perform | Go | Finish
Language = Literal["zh", "en"]


class NodeModel(BaseModel):
    """Base of every node kind: its parameters, and one pure step.

    What names another node is a field ``next`` or ``on_...``, a ``next`` inside ``choices``, or a value of ``refused`` or
    ``outcomes``: by this rule validation finds every way, and a sub-flow is fitted in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # whether the caller can do something here; a circle of nodes none of which is one never ends
    TAKES_INPUT: ClassVar[bool] = False
    # whether a session may end here
    IS_END: ClassVar[bool] = False

    def step(self, session: Session, given: Input | None) -> Step:
        """The answer to ``given``; None when the node was just entered."""
        raise NotImplementedError

    def leaves(self, session: Session) -> tuple[Told, ...]:
        """What is told when the session ends here before its time, or leaves by a key of the flow: what the caller has left behind."""
        return ()

    def claims(self, key: str, session: Session) -> bool:
        """Whether ``key``, keyed alone, means something of the node's own here; else the flow's ``keys`` say what it means."""
        return True

    def targets(self) -> tuple[str, ...]:
        """Every node that can follow: validation walks these."""
        return tuple(dict.fromkeys(_targets(self)))

    def relinked(self, rename: Callable[[str], str]) -> Self:
        """The same node with every target renamed."""
        return self.model_copy(update={name: _renamed(value, rename) for name, value in _linking(self)})

    def needs(self) -> tuple[str, ...]:
        """Variables without which the node cannot work."""
        return tuple(dict.fromkeys(self.reveals()))

    def reveals(self) -> tuple[str, ...]:
        """Variables it says aloud, compares or sends elsewhere: none of them may be secret."""
        return tuple(v for spoken in self.says() for v in variables_of(spoken))

    def sets(self) -> tuple[str, ...]:
        """Variables it may give a value, secrets not among them."""
        return ()

    def says(self) -> tuple[Spoken, ...]:
        """Everything it may say."""
        found: list[Spoken] = []
        for name in ("prompts", "wrong_input", "no_input", "announcement"):
            found += getattr(self, name, ())
        return tuple(found)

    def prompt_ids(self) -> tuple[str, ...]:
        """Prompts it may say, for the missing-prompt report."""
        return tuple(p for spoken in self.says() for p in prompt_ids_of(spoken))


def _linking(node: NodeModel) -> Iterator[tuple[str, Any]]:
    for name in type(node).model_fields:
        if name == "next" or name.startswith("on_") or name in ("choices", "refused", "outcomes"):
            yield name, getattr(node, name)


def _targets(node: NodeModel) -> Iterator[str]:
    for _, value in _linking(node):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
        for one in inner:
            target = one if isinstance(one, str) else one.next
            if target:
                yield target


def _renamed(value: Any, rename: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(inner, rename) for key, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_renamed(inner, rename) for inner in value)
    if isinstance(value, str):
        return rename(value) if value else value
    return value.model_copy(update={"next": rename(value.next)})


class Stepping(Protocol):
    """Anything that walks like a node."""

    def step(self, session: Session, given: Input | None) -> Step: ...
