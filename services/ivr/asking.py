"""Other systems are asked on a caller's behalf: he hears music when they take long, and an answer that is due is not cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from ipcc.errors import SwitchDown
from services.ivr.core.actions import BankAnswer, CallbackAsked, Faxed, Heard, ServiceAnswer
from services.ivr.ports import Line, LineLost

log = structlog.get_logger(__name__)

# nobody hears more than 3 s of silence: after this much of a bank's thinking there is music
QUIET_S = 1.5
BUSY_MUSIC = "local_stream://ipcc"

Answer = TypeVar("Answer", BankAnswer, ServiceAnswer, CallbackAsked, Faxed, Heard)


class Asking:
    """One session's questions, one after the other. ``due`` is the question under way whose answer is told even when he is gone.

    ``is_over`` says whether he is gone already; ``lost`` is called when that is noticed here.
    """

    def __init__(self, call_id: str, line: Line, is_over: Callable[[], bool], lost: Callable[[], None]) -> None:
        self.due: asyncio.Task[Any] | None = None
        self._call_id = call_id
        self._line = line
        self._is_over = is_over
        self._lost = lost
        self._quiet_since = asyncio.get_running_loop().time()

    def note_quiet(self) -> None:
        """From now on he hears nothing, until something is said or played."""
        self._quiet_since = asyncio.get_running_loop().time()

    async def ask(
        self,
        question: Coroutine[Any, Any, Answer],
        *,
        with_music: bool = True,
        quiet_s: float = QUIET_S,
        is_due: bool = True,
    ) -> Answer:
        """The answer of another system; music when he has heard nothing for ``quiet_s``, other questions before this one included.
        ``is_due``: it is told also when he is gone."""
        loop = asyncio.get_running_loop()
        asking: asyncio.Task[Answer] = loop.create_task(question)
        self.due = asking if is_due else None
        try:
            done, _ = await asyncio.wait({asking}, timeout=max(self._quiet_since + quiet_s - loop.time(), 0))
            if not done and with_music and not self._is_over():
                await self._play_during(asking)
            await asyncio.wait({asking})
            return asking.result()
        finally:
            # only a replica that lets go of its callers cuts a question off: the next one asks it again by the same key
            asking.cancel()
            self.due = None

    async def _play_during(self, asking: asyncio.Task[Any]) -> None:
        try:
            await self._line.start_music(BUSY_MUSIC)
            await asyncio.wait({asking})
            await self._line.interrupt()
            self.note_quiet()
        except LineLost:
            # nobody listens any more: the answer is told all the same, it may be money
            self._lost()
        except SwitchDown as error:
            # the answer is what counts: asking again might count a wrong PIN twice
            log.warning("no_music", call_id=self._call_id, error=str(error))
