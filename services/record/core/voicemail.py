"""The life of a voicemail: left, taken by one agent at most, put back or done; who did each, and when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ipcc.contracts.recording import VoicemailChanged, VoicemailOutcome, VoicemailState
from ipcc.errors import NotAllowed, NotNow

# told once more so often until it is done; monitor and desktops read back further than that
TELL_AGAIN = timedelta(hours=1)
LOOK_AGAIN_EVERY = timedelta(seconds=10)
OURSELVES = "record"
LEFT, TAKEN, PUT_BACK, DONE, AGAIN = "left", "taken", "put_back", "done", "again"


@dataclass(frozen=True)
class Voicemail:
    """One voicemail as it stands; its id is that of its recording. ``changed_at``: since when it stands so.

    ``agent_id`` has it or had it last, ``taken_at`` is when it was first taken.
    """

    voicemail_id: str
    call_id: str
    queue_id: str
    state: VoicemailState
    left_at: datetime
    due_at: datetime
    changed_at: datetime
    duration_ms: int
    caller_number: str = field(default="", repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict, repr=False)
    agent_id: str = ""
    taken_at: datetime | None = None
    outcome: str = ""

    def is_overdue(self, now: datetime) -> bool:
        """Whether it waits and somebody should have taken it."""
        return self.state is VoicemailState.WAITING and now > self.due_at


def take(mail: Voicemail, agent_id: str, now: datetime) -> Voicemail:
    """``agent_id`` has it from now on; taking what he has changes nothing. Raises NotNow (voicemail.taken, voicemail.done)."""
    if mail.state is VoicemailState.TAKEN and mail.agent_id == agent_id:
        return mail
    if mail.state is VoicemailState.TAKEN:
        raise NotNow(
            "voicemail.taken",
            f"voicemail {mail.voicemail_id} was taken by {mail.agent_id}",
            agent_id=mail.agent_id,
            since=mail.changed_at.isoformat(),
        )
    _check_open(mail)
    return replace(mail, state=VoicemailState.TAKEN, agent_id=agent_id, changed_at=now, taken_at=mail.taken_at or now)


def put_back(mail: Voicemail, by: str, now: datetime, *, is_overseer: bool) -> Voicemail:
    """The others of its queue can take it again. Raises NotNow (not_taken, done), NotAllowed (voicemail.not_yours)."""
    _check_holder(mail, by, is_overseer)
    return replace(mail, state=VoicemailState.WAITING, changed_at=now)


def finish(mail: Voicemail, by: str, outcome: VoicemailOutcome, now: datetime, *, is_overseer: bool) -> Voicemail:
    """It is done; the same once more by him who did it changes nothing. Raises as ``put_back``."""
    if mail.state is VoicemailState.DONE and mail.agent_id == by and mail.outcome == outcome:
        return mail
    _check_holder(mail, by, is_overseer)
    return replace(mail, state=VoicemailState.DONE, changed_at=now, outcome=outcome.value)


def is_forgotten(mail: Voicemail, now: datetime, hold: timedelta) -> bool:
    """Whether somebody has had it for longer than ``hold``: it goes back to the others."""
    return mail.state is VoicemailState.TAKEN and now - mail.changed_at > hold


def fact(mail: Voicemail, change: str, by: str) -> VoicemailChanged:
    """The last word about it."""
    return VoicemailChanged(
        recording_id=mail.voicemail_id,
        call_id=mail.call_id,
        leg_id=mail.call_id,
        queue_id=mail.queue_id,
        state=mail.state,
        change=change,
        changed_at=mail.changed_at,
        left_at=mail.left_at,
        due_at=mail.due_at,
        duration_ms=mail.duration_ms,
        caller_number=mail.caller_number,
        attributes=dict(mail.attributes),
        agent_id=mail.agent_id,
        by=by,
        outcome=mail.outcome,
    )


def _check_open(mail: Voicemail) -> None:
    if mail.state is VoicemailState.DONE:
        raise NotNow("voicemail.done", f"voicemail {mail.voicemail_id} is done: {mail.outcome}", outcome=mail.outcome)


def _check_holder(mail: Voicemail, by: str, is_overseer: bool) -> None:
    _check_open(mail)
    if mail.state is not VoicemailState.TAKEN:
        raise NotNow("voicemail.not_taken", f"voicemail {mail.voicemail_id} was taken by nobody: take it first")
    if mail.agent_id != by and not is_overseer:
        raise NotAllowed(
            "voicemail.not_yours", f"voicemail {mail.voicemail_id} was taken by {mail.agent_id}, not by {by}"
        )
