"""What is said to a caller and taken from him: prompts, keys, messages, words, faxes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from ipcc.errors import Invalid
from services.ivr.asking import Asking
from services.ivr.core.actions import (
    Collect,
    Failed,
    Heard,
    Input,
    Keyed,
    KeyedKind,
    Listen,
    Play,
    Played,
    Record,
    SendFax,
)
from services.ivr.core.session import Session
from services.ivr.core.speech import prompts
from services.ivr.ports import END_KEY, Surroundings

log = structlog.get_logger(__name__)

# the recogniser begins when he has been silent for a while already
QUIET_AFTER_SPEECH_S = 0.8


@dataclass(frozen=True)
class Speaking:
    """With one caller; ``is_over`` says whether he is gone already. Raises as Line does."""

    around: Surroundings
    asking: Asking
    is_over: Callable[[], bool]

    async def say(self, session: Session, action: Play | Collect | Record | Listen) -> Input:
        """Say the prompts and bring back what came; Failed when they cannot be made."""
        if isinstance(action, Listen) and not self.around.utterances.is_ready():
            # nobody is made to speak to an engine that is not there
            return Heard("unavailable")
        line, language = self.around.line, session.language
        try:
            said = prompts(action.prompts, session.speakable(), language)
            if isinstance(action, Collect):
                return await line.collect(said, language, action)
            if isinstance(action, Record):
                return await line.record(said, language, action)
            if isinstance(action, Listen):
                return await self._listen(session, said, action)
            await line.play(said, language)
        except Invalid as error:
            log.error("cannot_be_said", call_id=session.call_id, flow_node=session.at, code=error.code)
            return Failed(error.code)
        return Played()

    async def _listen(self, session: Session, said: tuple[str, ...], action: Listen) -> Input:
        """What he said, or the key he pressed instead; # ends what he says, and is a key like others where he has said nothing."""
        utterances, language = self.around.utterances, session.language
        with utterances.file() as path:
            taken = await self.around.line.take_down(said, language, action, str(path))
            self.asking.note_quiet()
            pressed = Keyed(KeyedKind.DIGITS, taken.key)
            if taken.key and (taken.key != END_KEY or not taken.is_recorded):
                return pressed
            if self.is_over():
                return Played()
            asking = utterances.recognise(path, language, action.hints)
            heard = await self.asking.ask(asking, quiet_s=QUIET_AFTER_SPEECH_S, is_due=False)
            return pressed if taken.key and heard.outcome == "nothing" else heard

    async def fax(self, session: Session, action: SendFax) -> Input:
        """Say what is said before it, and have it sent."""
        is_own_line = not action.number
        if not is_own_line:
            # before a word is said: who has heard that it is sent may hang up
            self.around.faxes.order(session, action)
        said = await self.say(session, Play(action.prompts))
        if isinstance(said, Failed):
            return said
        sending = self.around.faxes.send(session, self.around.line, action)
        # his machine listens to the line itself: nothing else may sound on it. To a number it goes on without him
        return await self.asking.ask(sending, with_music=not is_own_line, is_due=is_own_line)
