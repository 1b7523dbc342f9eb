"""Bodies of ivr's REST API."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class SessionView(BaseModel):
    """A caller in a flow now; never what he keyed."""

    session_id: str
    call_id: str
    flow: str
    at: str
    attempt: int
    language: str
    started_at: datetime
    path: list[str]


class FlowView(BaseModel):
    """A published flow."""

    id: str
    version: int
    name: dict[str, str]
    nodes: int


class ProblemView(BaseModel):
    """Why a flow cannot be published: the node, and the reason in English and Chinese."""

    node: str
    en: str
    zh: str


class Verdict(BaseModel):
    """Whether a flow can be published, and every reason why not."""

    valid: bool
    problems: list[ProblemView]


class Document(BaseModel):
    """A flow document to be checked."""

    document: dict[str, Any]
