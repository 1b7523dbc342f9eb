"""What happened to a callback, in words."""

from __future__ import annotations

from collections.abc import Mapping

from ipcc.contracts.acd import AcdPayload
from ipcc.contracts.callback import (
    CallbackDialled,
    CallbackPaused,
    CallbackRequested,
    CallbackResumed,
    CallbackTried,
)


def callback_sentence(event: AcdPayload, say: Mapping[str, str]) -> str:
    """``event`` as a sentence of ``say``; "" when it is not about a callback. Nobody's number is named."""
    match event:
        case CallbackRequested():
            by = say[f"callback.by.{event.requested_by}"]
            return say["callback.requested"].format(by=by, until=event.closes_at)
        case CallbackPaused():
            return say["callback.paused"].format(until=event.paused_until)
        case CallbackResumed():
            return say["callback.resumed"]
        case CallbackDialled():
            return say["callback.dialled"]
        case CallbackTried():
            how = say[f"callback.{event.outcome.value}"].format(cause=event.cause_text or say["no_cause"])
            return say["callback.tried"].format(count=event.tries, how=how)
    return ""
