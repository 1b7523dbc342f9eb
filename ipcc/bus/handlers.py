"""The table of a consumer: which function takes which kind of event."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

from ipcc.bus.events import Received
from ipcc.contracts.payload import Payload

P = TypeVar("P", bound=Payload)
Handle = Callable[[P, Received], Awaitable[None]]


class Handlers:
    """One function per payload class; ``otherwise`` takes every other event, without it they are passed over."""

    def __init__(self) -> None:
        self._table: dict[str, Handle[Any]] = {}
        self._otherwise: Handle[Any] | None = None

    def on(self, kind: type[P], handle: Handle[P]) -> Self:
        """Events that carry a ``kind`` go to ``handle(data, received)``."""
        if kind.TYPE in self._table:
            raise ValueError(f"{kind.TYPE} has a handler already")
        self._table[kind.TYPE] = handle
        return self

    def otherwise(self, handle: Handle[Payload]) -> Self:
        """Every event without a handler of its own goes to ``handle``."""
        self._otherwise = handle
        return self

    def find(self, event_type: str) -> Handle[Any] | None:
        """Who takes events of that type; None when they are passed over."""
        return self._table.get(event_type, self._otherwise)
