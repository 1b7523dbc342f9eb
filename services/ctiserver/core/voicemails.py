"""The voicemails that are not done, by the last word about each: what desktops show and agents call back. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipcc.contracts.recording import VoicemailChanged, VoicemailState


class OpenVoicemails:
    """Told again and again until they are done; whichever word comes first makes one known."""

    def __init__(self, queue_name: Callable[[str], str]) -> None:
        self._mails: dict[str, VoicemailChanged] = {}
        self._queue_name = queue_name

    def take(self, data: VoicemailChanged) -> bool:
        """Something was told; whether it is news."""
        known = self._mails.get(data.recording_id)
        if data.state is VoicemailState.DONE:
            self._mails.pop(data.recording_id, None)
        else:
            self._mails[data.recording_id] = data
        # a reminder of what is known, and the end of one that never was, are none
        return data.change != "again" or known is None

    def find(self, voicemail_id: str) -> VoicemailChanged | None:
        """The last word about one; None when it is done, or was never told of."""
        return self._mails.get(voicemail_id)

    def of(self, queues: Callable[[str], bool]) -> list[dict[str, Any]]:
        """Those of the queues that ``queues`` says yes to, the oldest first."""
        found = (mail for mail in self._mails.values() if queues(mail.queue_id))
        return [self.shown(mail) for mail in sorted(found, key=lambda mail: (mail.left_at, mail.recording_id))]

    def shown(self, data: VoicemailChanged) -> dict[str, Any]:
        """As a desktop shows it."""
        what = data.model_dump(mode="json", exclude={"recording_id", "leg_id", "change"})
        return {"voicemail_id": data.recording_id, "queue_name": self._queue_name(data.queue_id), **what}


def kind_of(data: VoicemailChanged) -> str:
    """The type of the message to desktops: one that was missed before is left, as far as they know, or taken."""
    if data.change != "again":
        return f"voicemail.{data.change}"
    return "voicemail.taken" if data.state is VoicemailState.TAKEN else "voicemail.left"
