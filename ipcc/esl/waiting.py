"""Who waits for what the switch will say later: outcomes of jobs, ends of applications; and who listens to everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from ipcc.errors import IpccError, SwitchRefused
from ipcc.esl.headers import EventName, HangupCause
from ipcc.esl.meaning import ApplicationEnded, JobDone
from ipcc.esl.normalise import answer_of, normalise
from ipcc.esl.port import LegGoneError
from ipcc.esl.wire import SwitchEvent
from ipcc.ids import LegId

Handler = Callable[[SwitchEvent], None]

_LEG_ENDS = frozenset({EventName.CHANNEL_HANGUP, EventName.CHANNEL_HANGUP_COMPLETE, EventName.CHANNEL_DESTROY})
_NO_CHANNEL = ("no such channel", "invalid session id", "cannot locate session", "invalid uuid")


def agreed(answer: str, leg: LegId | None = None) -> str:
    """The switch's answer without ``+OK``. Raises SwitchRefused, or LegGoneError when it says that ``leg`` does not exist."""
    is_ok, text = answer_of(answer)
    if is_ok:
        return text
    if leg is not None and text.lower().startswith(_NO_CHANNEL):
        raise LegGoneError(leg)
    raise refusal(text)


def refusal(text: str) -> SwitchRefused:
    """The error for the text after ``-ERR``; of an originate that is the name of a cause."""
    cause = text if text in HangupCause.__members__ else None
    return SwitchRefused(text or "refused without a reason", cause)


class Waiting:
    """The futures of one node. All calls in the asyncio thread."""

    def __init__(self) -> None:
        self._jobs: dict[str, asyncio.Future[JobDone]] = {}
        self._applications: dict[str, tuple[LegId, asyncio.Future[ApplicationEnded]]] = {}
        self._of_leg: dict[LegId, set[str]] = {}
        self._handlers: list[Handler] = []

    def job(self, job_id: str) -> asyncio.Future[JobDone]:
        """The outcome of a job about to be sent (the event may come before the reply: they travel on two links)."""
        future: asyncio.Future[JobDone] = asyncio.get_running_loop().create_future()
        self._jobs[job_id] = future
        return future

    def forget_job(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)

    def application(self, leg: LegId, event_id: str) -> asyncio.Future[ApplicationEnded]:
        """The end of an application about to be sent to ``leg``; fails with LegGoneError when the leg ends first."""
        future: asyncio.Future[ApplicationEnded] = asyncio.get_running_loop().create_future()
        self._applications[event_id] = (leg, future)
        self._of_leg.setdefault(leg, set()).add(event_id)
        return future

    def forget_application(self, event_id: str) -> None:
        leg, _ = self._applications.pop(event_id, (None, None))
        if leg is None or leg not in self._of_leg:
            return
        self._of_leg[leg].discard(event_id)
        if not self._of_leg[leg]:
            del self._of_leg[leg]

    def fail_all(self, error: Callable[[], IpccError]) -> int:
        """The link is lost: nobody will hear his outcome. Returns how many waited."""
        waiting: list[asyncio.Future[Any]] = [*self._jobs.values(), *(end for _, end in self._applications.values())]
        waiting = [future for future in waiting if not future.done()]
        for future in waiting:
            future.set_exception(error())
        return len(waiting)

    def listen(self, handler: Handler) -> Callable[[], None]:
        self._handlers.append(handler)

        def remove() -> None:
            if handler in self._handlers:
                self._handlers.remove(handler)

        return remove

    def hear(self, event: SwitchEvent) -> None:
        """Settle who waits for this event, then tell every listener. A listener's exception goes through."""
        if event.name == EventName.BACKGROUND_JOB:
            self._settle_job(event)
        elif event.name == EventName.CHANNEL_EXECUTE_COMPLETE:
            self._settle_application(event)
        if event.name in _LEG_ENDS:
            self._settle_leg(LegId(event.uuid), event.get("Hangup-Cause"))
        for handler in tuple(self._handlers):
            handler(event)

    def _settle_job(self, event: SwitchEvent) -> None:
        future = self._jobs.get(event.get("Job-UUID"))
        if future is None or future.done():
            return
        for told in normalise(event):
            if isinstance(told, JobDone):
                future.set_result(told)

    def _settle_application(self, event: SwitchEvent) -> None:
        _, future = self._applications.get(event.get("Application-UUID"), (None, None))
        if future is None or future.done():
            return
        for told in normalise(event):
            if isinstance(told, ApplicationEnded):
                if told.is_hung_up:
                    future.set_exception(LegGoneError(told.leg_id, event.get("Hangup-Cause") or None))
                else:
                    future.set_result(told)

    def _settle_leg(self, leg: LegId, cause: str) -> None:
        for event_id in self._of_leg.get(leg, ()):
            future = self._applications[event_id][1]
            if not future.done():
                future.set_exception(LegGoneError(leg, cause or None))
