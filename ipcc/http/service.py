"""What one running service is made of: built by the service's ``app.py``, given to the app factory and the server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeVar

from fastapi import APIRouter
from starlette.requests import HTTPConnection

from ipcc.auth.tokens import Authenticator
from ipcc.http.examples import Example
from ipcc.http.health import Health
from ipcc.metrics import Metrics
from ipcc.settings import ServiceSettings

T = TypeVar("T")


@dataclass
class Service:
    """``run`` opens everything in order and closes it in reverse; ``provides`` is what routes ask for by type.

    ``run`` must come up even when a part outside (broker, database, switch) is absent: the part's health check is red until
    it is there. ``pages`` are routes without data of customers or staff, open to everybody.
    """

    settings: ServiceSettings
    title: str
    run: Callable[[], AbstractAsyncContextManager[None]]
    authenticator: Authenticator
    metrics: Metrics
    health: Health = field(default_factory=Health)
    routers: Sequence[APIRouter] = ()
    pages: Sequence[APIRouter] = ()
    provides: Sequence[object] = ()
    max_body_bytes: int = 1_048_576
    description: str = ""
    examples: Sequence[Example] = ()

    @property
    def name(self) -> str:
        return self.settings.service


def provided(kind: type[T]) -> Callable[[HTTPConnection], T]:
    """A dependency that hands a route the ``kind`` its service provides: ``Annotated[Usecases, Depends(provided(Usecases))]``."""

    def find(connection: HTTPConnection) -> T:
        service: Service = connection.app.state.service
        for candidate in service.provides:
            if isinstance(candidate, kind):
                return candidate
        raise TypeError(f"{service.name} provides no {kind.__name__}")

    return find
