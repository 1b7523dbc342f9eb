"""The error tree: every error has a stable code, a sentence for people, and details; one handler turns it into problem+json."""

from __future__ import annotations

from typing import Any, ClassVar


class IpccError(Exception):
    """Base of every error of ours.

    ``code`` is stable and machine-readable (``agent.not_ready``); ``message`` says what is wrong, where, and what to do;
    ``details`` are values worth showing (never secrets).
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Refused(IpccError):
    """The request cannot be done; not logged as an error."""

    status = 409


class NotNow(Refused):
    """Legal in another state (409)."""


class NotAllowed(Refused):
    """The caller has not the right (403)."""

    status = 403


class NotFound(Refused):
    """No such thing (404)."""

    status = 404


class Invalid(Refused):
    """The input is wrong; the message names the field and the reason (422)."""

    status = 422


class Unavailable(IpccError):
    """Something we need is down; the same request may succeed after ``retry_after_s`` seconds (503)."""

    status = 503

    def __init__(self, code: str, message: str, retry_after_s: float = 2.0, **details: Any) -> None:
        super().__init__(code, message, **details)
        self.retry_after_s = retry_after_s


class SwitchDown(Unavailable):
    """No event-socket link to the node; whether a command in flight was done is unknown: look it up, never repeat it."""


class BusDown(Unavailable):
    """The broker does not answer."""


class StoreDown(Unavailable):
    """The database does not answer."""


class BankCoreDown(Unavailable):
    """The bank's core systems do not answer; whether a movement was booked is unknown."""


class SwitchRefused(IpccError):
    """The switch said no; ``message`` keeps its text, ``cause`` the Q.850 name when there is one."""

    status = 409

    def __init__(self, message: str, cause: str | None = None, **details: Any) -> None:
        super().__init__("switch.refused", message, **details)
        self.cause = cause


class Bug(IpccError):
    """A promise of ours is broken (500)."""


class IllegalMove(Bug):
    """A state machine was given an input that its table does not hold; nothing changed."""

    def __init__(self, machine: str, state: str, given: str) -> None:
        super().__init__(
            "bug.illegal_move", f"{machine} in state {state} cannot take {given}", state=state, given=given
        )


class InvalidMessage(IpccError):
    """A message on the bus that can never be processed: goes to the dead letters, is never retried."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__("message.invalid", message, **details)


class RetryLater(IpccError):
    """The handler asks for the same message again after ``delay_s`` seconds; the partition waits so that order holds."""

    def __init__(self, message: str, delay_s: float = 1.0) -> None:
        super().__init__("message.retry_later", message)
        self.delay_s = delay_s
