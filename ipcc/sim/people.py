"""Scripted callers and agents: what a person at a phone does when the phone rings, when a prompt plays, when he is joined. Pure.

``People`` hears what the switch does and says which ``Move`` is due when; the shell carries the moves out.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace

from ipcc.sim.outputs import (
    CallerAnswered,
    FaxReceived,
    Output,
    PhoneCancelled,
    PhoneHungUp,
    PhoneInvited,
    PlaybackStarted,
    RecordingStarted,
    SimEvent,
)

FAX_HANGS_UP_S = 2.0
"""How long a fax machine stays on the line when it has everything."""


@dataclass(frozen=True)
class Keys:
    """Keys pressed one after the other, ``gap_s`` apart.

    They are pressed ``after_s`` seconds after the call is answered, or, with ``prompt``, after the ``nth`` time a sound
    whose path contains it begins.
    """

    digits: str
    after_s: float = 0.5
    prompt: str = ""
    nth: int = 1
    gap_s: float = 0.25
    by_info: bool = False


@dataclass(frozen=True)
class Caller:
    """Somebody who calls. All times in seconds.

    ``patience_s`` ends a call that was not answered, or not joined to anybody, in that time; ``talk_s`` ends it so long after
    it was joined to somebody; ``hang_up_after_s`` so long after the switch answered, whatever happened.
    """

    number: str
    dialled: str
    name: str = ""
    profile: str = "trunks"
    context: str = "public"
    address: str = "127.0.0.1:6100"
    sip_headers: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    keys: tuple[Keys, ...] = ()
    patience_s: float | None = None
    talk_s: float | None = None
    hang_up_after_s: float | None = None
    fax_at: str | None = None
    """He calls from a fax machine and presses its start key when a sound begins whose path contains this."""
    says_s: float | None = None
    """How long he speaks each time he alone is recorded (``record``), then he is silent; None: on and on."""


@dataclass(frozen=True)
class PhoneScript:
    """What happens at a phone the switch calls. All times in seconds, from the INVITE unless said otherwise.

    ``refuse`` is a SIP code (486 busy, 603 declined, 480, 404); ``answer_after_s`` None lets it ring for ever; an
    ``unreachable`` phone has nobody listening at its address. ``talk_s`` counts from the joining, ``hang_up_after_s`` from
    the answer.
    """

    number: str
    answer_after_s: float | None = 1.0
    ring_after_s: float | None = 0.05
    early_media_after_s: float | None = None
    refuse: int | None = None
    refuse_after_s: float = 0.3
    unreachable: bool = False
    keys: tuple[Keys, ...] = ()
    talk_s: float | None = None
    hang_up_after_s: float | None = None
    at_most: int | None = None
    """After so many calls the phone is busy (486)."""
    is_fax: bool = False
    """A fax machine: once it has answered it receives what is sent to it, and hangs up when it has everything."""


@dataclass(frozen=True)
class Move:
    """One thing a person does to his phone: ring, progress, answer, refuse, unreachable, press, fax, speak, fall_silent, hang_up."""

    uuid: str
    kind: str
    digit: str = ""
    code: int = 0
    by_info: bool = False


@dataclass
class _Person:
    """One leg as the person at its end sees it."""

    uuid: str
    keys: tuple[Keys, ...]
    talk_s: float | None
    hang_up_after_s: float | None
    patience_s: float | None = None
    fax_at: str | None = None
    says_s: float | None = None
    prompts: dict[str, int] = field(default_factory=dict)
    is_joined: bool = False


class People:
    """All scripted people of one switch."""

    def __init__(self) -> None:
        self._phones: dict[str, PhoneScript] = {}
        self._fallback: PhoneScript | None = None
        self._persons: dict[str, _Person] = {}
        self._plans: list[tuple[float, int, Move]] = []
        self._count = 0

    def set_phone(self, script: PhoneScript) -> None:
        """What the phone of that user or number does from its next call on; number ``*`` is every phone not named."""
        if script.number == "*":
            self._fallback = script
        else:
            self._phones[script.number] = script

    def watch(self, uuid: str, caller: Caller, now: float) -> None:
        """A caller's call has begun on that channel."""
        self._persons[uuid] = _Person(
            uuid,
            caller.keys,
            caller.talk_s,
            caller.hang_up_after_s,
            caller.patience_s,
            caller.fax_at,
            caller.says_s,
        )
        if caller.patience_s is not None:
            self._plan(now + caller.patience_s, Move(uuid, "give_up"))

    def hear(self, output: Output, now: float) -> None:
        """What the switch does, as far as people notice it."""
        match output:
            case PhoneInvited():
                self._ring(output, now)
            case CallerAnswered(uuid=uuid):
                self._answered(uuid, now)
            case PlaybackStarted() | RecordingStarted():
                self._turned_to(output, now)
            case FaxReceived(uuid=uuid):
                self._plan(now + FAX_HANGS_UP_S, Move(uuid, "hang_up"))
            case PhoneCancelled(uuid=uuid) | PhoneHungUp(uuid=uuid):
                self._persons.pop(uuid, None)
            case SimEvent(name="CHANNEL_BRIDGE", headers=headers):
                self._joined(str(headers.get("Bridge-A-Unique-ID", "")), now)
                self._joined(str(headers.get("Bridge-B-Unique-ID", "")), now)
            case SimEvent(name="CHANNEL_DESTROY", headers=headers):
                self._persons.pop(str(headers.get("Unique-ID", "")), None)

    def next_due(self) -> float | None:
        return self._plans[0][0] if self._plans else None

    def take(self, now: float) -> list[Move]:
        """The moves that are due; those of legs that are gone are forgotten."""
        moves = []
        while self._plans and self._plans[0][0] <= now:
            _, _, move = heapq.heappop(self._plans)
            person = self._persons.get(move.uuid)
            if person is None:
                continue
            if move.kind == "give_up":
                if person.is_joined:
                    continue
                move = replace(move, kind="hang_up")
            if move.kind == "answer":
                self._answered(move.uuid, now)
            moves.append(move)
        return moves

    def _plan(self, when: float, move: Move) -> None:
        self._count += 1
        heapq.heappush(self._plans, (when, self._count, move))

    def _ring(self, invited: PhoneInvited, now: float) -> None:
        script = self._phones.get(invited.user) or self._fallback
        uuid = invited.uuid
        self._persons[uuid] = (
            _Person(uuid, script.keys, script.talk_s, script.hang_up_after_s) if script else _nobody(uuid)
        )
        if script is None or script.unreachable:
            self._plan(now, Move(uuid, "unreachable"))
            return
        refuse = script.refuse
        if script.at_most is not None:
            refuse = 486 if script.at_most <= 0 else refuse
            self._phones[invited.user] = replace(script, at_most=script.at_most - 1)
        if script.ring_after_s is not None:
            self._plan(now + script.ring_after_s, Move(uuid, "ring"))
        if refuse is not None:
            self._plan(now + script.refuse_after_s, Move(uuid, "refuse", code=refuse))
            return
        if script.early_media_after_s is not None:
            self._plan(now + script.early_media_after_s, Move(uuid, "progress"))
        if script.answer_after_s is not None:
            self._plan(now + script.answer_after_s, Move(uuid, "answer"))
            if script.is_fax:
                self._plan(now + script.answer_after_s, Move(uuid, "fax"))

    def _answered(self, uuid: str, now: float) -> None:
        person = self._persons.get(uuid)
        if person is None:
            return
        if person.hang_up_after_s is not None:
            self._plan(now + person.hang_up_after_s, Move(uuid, "hang_up"))
        for keys in person.keys:
            if not keys.prompt:
                self._press(uuid, keys, now)

    def _turned_to(self, output: PlaybackStarted | RecordingStarted, now: float) -> None:
        if isinstance(output, PlaybackStarted):
            self._prompted(output.uuid, output.path, now)
        elif output.alone:
            self._asked_to_speak(output.uuid, now)

    def _prompted(self, uuid: str, path: str, now: float) -> None:
        person = self._persons.get(uuid)
        if person is None:
            return
        if person.fax_at and person.fax_at in path:
            self._plan(now, Move(uuid, "fax"))
        for keys in person.keys:
            if keys.prompt and keys.prompt in path:
                heard = person.prompts.get(keys.prompt, 0)
                if keys.nth == heard + 1:
                    self._press(uuid, keys, now)
        for prompt in {keys.prompt for keys in person.keys if keys.prompt and keys.prompt in path}:
            person.prompts[prompt] = person.prompts.get(prompt, 0) + 1

    def _asked_to_speak(self, uuid: str, now: float) -> None:
        person = self._persons.get(uuid)
        if person is not None and person.says_s is not None:
            self._plan(now, Move(uuid, "speak"))
            self._plan(now + person.says_s, Move(uuid, "fall_silent"))

    def _press(self, uuid: str, keys: Keys, now: float) -> None:
        for index, digit in enumerate(keys.digits):
            self._plan(now + keys.after_s + index * keys.gap_s, Move(uuid, "press", digit=digit, by_info=keys.by_info))

    def _joined(self, uuid: str, now: float) -> None:
        person = self._persons.get(uuid)
        if person is None or person.is_joined:
            return
        person.is_joined = True
        if person.talk_s is not None:
            self._plan(now + person.talk_s, Move(uuid, "hang_up"))


def _nobody(uuid: str) -> _Person:
    return _Person(uuid, (), None, None)
