"""Requests known by their id: one sent twice is done once, and answered alike."""

from __future__ import annotations

import asyncio
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from ipcc.clock import Clock
from ipcc.errors import Invalid, IpccError, Unavailable
from ipcc.ids import LegId, new_id
from ipcc.tasks import Tasks

T = TypeVar("T")

KEEP = timedelta(minutes=10)
MOST = 20_000
_SPACE = uuid.UUID("6f1c7a52-8a39-4c4f-9d59-3d7f0c1b2e10")


def leg_for(subject: str, request_id: str, part: str = "") -> LegId:
    """The leg that a request dials: the same for the same request at any replica, so that the switch itself refuses a second."""
    return LegId(str(uuid.uuid5(_SPACE, f"{subject}\n{request_id}\n{part}")) if request_id else new_id())


@dataclass(frozen=True)
class _Known:
    meant: Any
    at: datetime
    answer: asyncio.Future[Any]


class RequestBook:
    """Answers by (who asked, request id), for ten minutes. What failed because something was down may be tried again."""

    def __init__(self, clock: Clock, tasks: Tasks) -> None:
        self._clock = clock
        self._tasks = tasks
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()

    async def once(self, key: tuple[str, str], meant: Any, do: Callable[[], Awaitable[T]]) -> T:
        """``do()``, or what it gave or raised the first time. Without a request id it is just done.

        Raises Invalid (request.reused) when the id was used for something else.
        """
        if not key[1]:
            return await do()
        self._forget()
        known = self._known.get(key)
        if known is None:
            known = _Known(meant, self._clock.now(), asyncio.get_running_loop().create_future())
            known.answer.add_done_callback(lambda future: self._settle(key, future))
            self._known[key] = known
            self._tasks.once(f"request {key[1]}", self._answer(known.answer, do))
        elif known.meant != meant:
            raise Invalid("request.reused", f"request id {key[1]} was used for another request")
        # a client that goes away does not undo what it asked for
        answer: T = await asyncio.shield(known.answer)
        return answer

    @staticmethod
    async def _answer(answer: asyncio.Future[Any], do: Callable[[], Awaitable[Any]]) -> None:
        try:
            answer.set_result(await do())
        except IpccError as error:
            answer.set_exception(error)
        finally:
            if not answer.done():
                answer.set_exception(Unavailable("request.lost", "the request was broken off: look what became of it"))

    def _settle(self, key: tuple[str, str], future: asyncio.Future[Any]) -> None:
        if future.cancelled() or isinstance(future.exception(), Unavailable):
            self._known.pop(key, None)

    def _forget(self) -> None:
        oldest = self._clock.now() - KEEP
        while self._known:
            first = next(iter(self._known.values()))
            if first.at > oldest and len(self._known) < MOST:
                break
            self._known.popitem(last=False)
