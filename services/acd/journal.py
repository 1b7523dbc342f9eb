"""Every input of a tenure, as it was decided and when: with it a day can be decided again and must come out the same.

One file per tenure, a line of JSON per input. The first line is the state the tenure began with. A line holds the time the core was
given, the input, and a digest of the events that followed; what was only learnt has none.

Routing never waits for it and never fails with it: a disk that is full ends the file of this tenure, where it is good as far as it
goes, and the next tenure begins a new one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Self

import orjson
import structlog
from pydantic import TypeAdapter

from ipcc.contracts.acd import AcdPayload, InputRef
from ipcc.errors import Bug, Invalid, InvalidMessage, Refused
from services.acd.consumers import HEARD
from services.acd.core import inputs
from services.acd.core.decision import Decision, advance
from services.acd.core.learning import learn
from services.acd.core.snapshot import from_dict, to_dict
from services.acd.core.state import State

log = structlog.get_logger(__name__)

_OWN = (
    inputs.TimePassed,
    inputs.NodeChanged,
    inputs.Rang,
    inputs.PickedUp,
    inputs.Joined,
    inputs.Bridged,
    inputs.RingFailed,
    inputs.JoinFailed,
    inputs.LegsSeen,
    inputs.TakenOver,
)
ADAPTERS: dict[str, TypeAdapter[Any]] = {kind.__name__: TypeAdapter(kind) for kind in (*HEARD.values(), *_OWN)}
REFUSED = "refused"


def digest_of(events: Sequence[AcdPayload]) -> str:
    """The same for the same events in the same order."""
    found = hashlib.sha256()
    for event in events:
        found.update(event.TYPE.encode() + event.model_dump_json().encode() + b"\n")
    return found.hexdigest()[:32]


class Journal:
    """Writes one tenure. Lines are buffered until ``flush``. ``trouble`` says why nothing more is written; "" while it is."""

    def __init__(self, file: BinaryIO) -> None:
        self.trouble = ""
        self._file = file

    @classmethod
    def create(cls, folder: Path, state: State, now: datetime) -> Self:
        """A new file in ``folder``, readable by its owner alone: it names callers. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{state.domain}-{now:%Y%m%dT%H%M%S%f}.jsonl"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        journal = cls(os.fdopen(handle, "wb"))
        journal._write({"domain": state.domain, "state": to_dict(state), "offsets": dict(state.offsets)})
        return journal

    def learnt(self, given: object, now: datetime) -> None:
        """``given`` was learnt before anything was decided."""
        self._note(given, now, None, {})

    def decided(self, given: object, now: datetime, cause: InputRef | None, outcome: str) -> None:
        """``given`` was decided: ``outcome`` is the digest of its events, or REFUSED."""
        self._note(given, now, cause, {"outcome": outcome})

    def flush(self) -> None:
        """Hand what was written to the system."""
        if not self.trouble:
            self._try(self._file.flush)

    def close(self) -> None:
        """No more comes."""
        self._try(self._file.close)

    def _try(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            if not self.trouble:
                log.error("inputs_not_recorded", reason=str(error))
            self.trouble = str(error)

    def _note(self, given: object, now: datetime, cause: InputRef | None, more: dict[str, Any]) -> None:
        if self.trouble:
            return
        name = type(given).__name__
        data = ADAPTERS[name].dump_python(given, mode="json")
        self._write({"at": now.isoformat(), "kind": name, "given": data, "cause": cause and cause.model_dump(), **more})

    def _write(self, line: dict[str, Any]) -> None:
        text = orjson.dumps(line) + b"\n"
        self._try(lambda: self._file.write(text))


def begin(folder: Path, state: State, now: datetime) -> Journal:
    """Where the inputs of a tenure are recorded: a folder that cannot be written to stops nobody from being routed."""
    try:
        return Journal.create(folder, state, now)
    except OSError as error:
        log.error("inputs_not_recorded", folder=str(folder), reason=str(error))
        idle = Journal(BytesIO())
        idle.trouble = str(error)
        return idle


@dataclass(frozen=True)
class Difference:
    """The first input that was decided otherwise: its line, what it was, and the events that follow from it now."""

    line: int
    kind: str
    at: datetime
    events: tuple[AcdPayload, ...]


@dataclass(frozen=True)
class Replayed:
    """How many inputs were decided again, and the first that came out otherwise."""

    inputs: int
    events: int
    difference: Difference | None


def replay(path: Path) -> Replayed:
    """Decide a tenure again. Raises Invalid when the file is not one, or is damaged before its last line."""
    lines = _lines(path)
    try:
        first = next(lines)
        state = from_dict(first["domain"], first["state"], first["offsets"])
        count = told = 0
        for number, line in enumerate(lines, start=2):
            given, at = ADAPTERS[line["kind"]].validate_python(line["given"]), datetime.fromisoformat(line["at"])
            if "outcome" not in line:
                learn(state, given, at)
                continue
            events, outcome = _decide(state, given, at, line["cause"])
            count, told = count + 1, told + len(events)
            if outcome != line["outcome"]:
                return Replayed(count, told, Difference(number, line["kind"], at, events))
    except (KeyError, StopIteration, ValueError) as error:
        raise Invalid("replay.damaged", f"{path}: not a journal of acd: {error!r}") from None
    return Replayed(count, told, None)


def _decide(
    state: State, given: object, at: datetime, cause: dict[str, Any] | None
) -> tuple[tuple[AcdPayload, ...], str]:
    try:
        decision: Decision = advance(state, given, at, InputRef.model_validate(cause) if cause else None)
    except (Refused, Bug, InvalidMessage):
        return (), REFUSED
    return decision.events, digest_of(decision.events)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole; the last may have been cut by the end of its writer."""
    with path.open("rb") as file:
        for text in file:
            if text.endswith(b"\n"):
                yield orjson.loads(text)
