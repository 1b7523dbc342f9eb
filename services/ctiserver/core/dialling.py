"""Whom an agent may reach, and through which trunk: the dial rules. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ipcc.errors import Invalid, NotAllowed

_NUMBER = re.compile(r"^\+?[0-9*#]{2,24}$")


class TargetKind(StrEnum):
    """What somebody is sent or connected to."""

    NUMBER = "number"
    AGENT = "agent"
    PHONE = "phone"
    QUEUE = "queue"
    FLOW = "flow"


class Target(BaseModel):
    """A number outside (as dial rules allow), an agent at the phone he signed in at, a phone of ours, a queue, or a flow."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: TargetKind
    value: Annotated[str, Field(min_length=1, max_length=64)]


class DialRule(BaseModel):
    """The first rule whose ``pattern`` fits a whole number decides.

    ``strip`` digits are taken from its front, then ``prefix`` is put there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str
    allow: bool = True
    gateway: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = "demo"
    roles: tuple[str, ...] = ()
    """Who it is for; empty: everybody."""
    strip: Annotated[int, Field(ge=0, le=20)] = 0
    prefix: Annotated[str, Field(pattern=r"^[0-9+*#]{0,12}$")] = ""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        re.compile(value)
        return value


class Route(BaseModel):
    """What is dialled, and through which gateway."""

    model_config = ConfigDict(frozen=True)

    gateway: str
    number: str = Field(repr=False)


def route_of(number: str, rules: Sequence[DialRule], roles: Collection[str]) -> Route:
    """Where ``number`` goes for somebody with ``roles``.

    Raises Invalid (number.invalid) for what is no number and NotAllowed (dial.not_allowed) for one that no rule allows.
    """
    if not _NUMBER.match(number):
        raise Invalid("number.invalid", "the number: 2 to 24 digits, * and #, perhaps a + in front")
    for rule in rules:
        is_for_him = not rule.roles or not set(rule.roles).isdisjoint(roles)
        if is_for_him and re.fullmatch(rule.pattern, number):
            if not rule.allow:
                break
            return Route(gateway=rule.gateway, number=rule.prefix + number[rule.strip :])
    raise NotAllowed("dial.not_allowed", "the dial rules do not allow this number")
