"""Every measure of what callers leave behind: voicemails, faxes, answers to surveys; defined once, by name and version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

VOICEMAIL_FORMULA = (
    "voicemail_service_level/1: first taken in its queue's time, divided by all that were taken or are done"
)
SATISFACTION_FORMULA = "survey_average/1: the sum of the keys answered, divided by their number; keys count from 1"


@dataclass(frozen=True)
class VoicemailFigures:
    """One queue, of the voicemails left in a stretch of time: ``left`` = ``done`` + ``still_waiting`` + ``still_taken``, always.

    ``taken`` counts those that were ever taken, ``put_back`` each time one was; the waits run from when it was left to when it was
    first taken, or done. Times in milliseconds.
    """

    left: int = 0
    taken: int = 0
    taken_in_time: int = 0
    done: int = 0
    reached: int = 0
    not_reached: int = 0
    no_call: int = 0
    still_waiting: int = 0
    still_taken: int = 0
    put_back: int = 0
    wait_ms: int = 0
    longest_wait_ms: int = 0
    done_after_ms: int = 0

    def __add__(self, other: VoicemailFigures) -> VoicemailFigures:
        """Both stretches of time together."""
        sums = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return VoicemailFigures(**{**sums, "longest_wait_ms": max(self.longest_wait_ms, other.longest_wait_ms)})

    @property
    def adds_up(self) -> bool:
        """Each is where it must be, once."""
        return self.left == self.done + self.still_waiting + self.still_taken

    @property
    def service_level(self) -> float | None:
        """VOICEMAIL_FORMULA, 0 to 1; None when none was taken."""
        return self.taken_in_time / self.taken if self.taken else None

    @property
    def average_wait_ms(self) -> int | None:
        """Mean time until one was first taken; None when none was."""
        return self.wait_ms // self.taken if self.taken else None

    @property
    def average_done_ms(self) -> int | None:
        """Mean time until one was done; None when none is."""
        return self.done_after_ms // self.done if self.done else None


@dataclass
class FaxFigures:
    """One kind of document, to callers on their own line or to numbers; a fax that is tried again is one fax of several tries."""

    document: str
    to: str
    faxes: int = 0
    tries: int = 0
    pages: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """Faxes that arrived."""
        return self.outcomes.get("sent", 0)

    @property
    def failed(self) -> int:
        """Faxes that did not arrive, whatever was tried."""
        return max(0, self.faxes - self.sent)


@dataclass
class SurveyFigures:
    """One question, of those whom one agent served last in one queue (both empty: nobody had); ``distribution`` by key."""

    survey: str
    question: str
    queue_id: str
    agent_id: str
    distribution: dict[int, int] = field(default_factory=dict)

    @property
    def answers(self) -> int:
        """How many answered."""
        return sum(self.distribution.values())

    @property
    def average(self) -> float | None:
        """SATISFACTION_FORMULA."""
        total = sum(key * number for key, number in self.distribution.items())
        return total / self.answers if self.answers else None


def fax_figures(rows: Iterable[tuple[str, str, str, int, int, int]]) -> list[FaxFigures]:
    """Document, to whom, outcome, tries, first tries and pages, counted by the database, as figures in order."""
    found: dict[tuple[str, str], FaxFigures] = {}
    for document, to, outcome, tries, firsts, pages in rows:
        one = found.setdefault((document, to), FaxFigures(document, to))
        one.outcomes[outcome] = one.outcomes.get(outcome, 0) + tries
        one.tries += tries
        one.faxes += firsts
        one.pages += pages
    return [found[key] for key in sorted(found)]


def survey_figures(rows: Iterable[tuple[str, str, str, str, int, int]]) -> list[SurveyFigures]:
    """Survey, question, queue, agent, answer and number, counted by the database, as figures in order."""
    found: dict[tuple[str, str, str, str], SurveyFigures] = {}
    for *key, answer, number in rows:
        survey, question, queue_id, agent_id = map(str, key)
        names = (survey, question, queue_id, agent_id)
        one = found.setdefault(names, SurveyFigures(*names))
        one.distribution[answer] = one.distribution.get(answer, 0) + number
    for one in found.values():
        one.distribution = dict(sorted(one.distribution.items()))
    return [found[key] for key in sorted(found)]
