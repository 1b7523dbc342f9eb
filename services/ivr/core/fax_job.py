"""A fax to a number from its order to its end, tried again by itself: what is decided about it. Pure.

A fax may come twice, money may not: a try of which nobody knows whether it went through is made again. The paper says when it
was printed, so two copies are seen to be one, and a statement that never comes is worse for who waits for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

from ipcc.contracts.ivr import FaxDone, FaxOrdered, FaxStarted
from services.ivr.core.actions import Faxed
from services.ivr.core.session import Session

# what another try may mend; what the dial rules refuse, a paper that cannot be drawn and a number that is nobody's stay so
_MENDED = frozenset({"busy", "no_answer", "no_fax", "dropped", "failed", "unknown"})


def goes_on_after(outcome: str, attempt: int, attempts: int) -> bool:
    """Whether a fax is tried again after its try number ``attempt`` ended so."""
    return outcome in _MENDED and attempt < attempts


def fax_id_of(session: Session) -> str:
    """The fax of this visit of the node: asked for again, also by another replica, it is the same. Safe as the name of a file."""
    return str(uuid5(NAMESPACE_OID, f"{session.session_id}/{session.at}/{session.visits}"))


@dataclass(frozen=True)
class FaxJob:
    """One ordered fax. ``tried``: tries begun; ``leg_id``: of the one that goes on, empty between tries; ``ended``: how each went;
    ``due_at``: when the next begins."""

    ordered: FaxOrdered
    due_at: datetime
    tried: int = 0
    leg_id: str = ""
    ended: Mapping[int, Faxed] = field(default_factory=dict)
    is_over: bool = False

    @property
    def fax_id(self) -> str:
        return self.ordered.fax_id

    def begun(self, leg_id: str) -> FaxJob:
        """The next try dials with that leg."""
        return replace(self, tried=self.tried + 1, leg_id=leg_id)

    def after(self, done: Faxed, now: datetime) -> FaxJob:
        """The try that went on ended so: over, or due again."""
        due_at = now + timedelta(seconds=self.ordered.pause_s)
        is_over = not goes_on_after(done.outcome, self.tried, self.ordered.attempts) or due_at > self.ordered.until
        ended = {**self.ended, self.tried: replace(done, goes_on=not is_over)}
        return replace(self, due_at=due_at, leg_id="", ended=ended, is_over=is_over)

    def fact(self) -> FaxDone:
        """How the last try went, to be told."""
        done = self.ended[self.tried]
        return FaxDone(
            call_id=self.ordered.call_id,
            session_id=self.ordered.session_id,
            document=self.ordered.document,
            to="number",
            outcome=done.outcome,
            pages=done.pages,
            reason=done.reason,
            attempt=self.tried,
            fax_id=self.fax_id,
            is_last=self.is_over,
        )


def learn(job: FaxJob | None, data: FaxOrdered | FaxStarted | FaxDone, at: datetime) -> FaxJob | None:
    """The fax after one more fact of the topic, in its order; ``job`` as known before. None: nobody has heard of its order."""
    if isinstance(data, FaxOrdered):
        return job or FaxJob(data, at)
    if job is None:
        return None
    if isinstance(data, FaxStarted):
        return replace(job, tried=data.attempt, leg_id=data.leg_id)
    done = Faxed(data.outcome, data.pages, data.reason, goes_on=not data.is_last)
    return replace(
        job,
        tried=data.attempt,
        leg_id="",
        due_at=at + timedelta(seconds=job.ordered.pause_s),
        ended={**job.ended, data.attempt: done},
        is_over=data.is_last,
    )
