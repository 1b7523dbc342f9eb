"""The caller's leg on the switch: the ports Line and Lines over the event socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ipcc.errors import SwitchRefused
from ipcc.esl.commands import (
    Command,
    SchedDel,
    SchedTransfer,
    UuidBreak,
    UuidGetVar,
    UuidKill,
    UuidSetVar,
    UuidTransfer,
    Words,
)
from ipcc.esl.dialstring import Endpoint, Gateway, User
from ipcc.esl.headers import EventName, HangupCause, Subclass
from ipcc.esl.port import LegGoneError, SubscriptionPlan, Switches, SwitchNode
from ipcc.ids import LegId, NodeId
from services.ivr.core.actions import Collect, Connect, Faxed, Keyed, KeyedKind, Listen, Record, Recorded
from services.ivr.fax_calls import transmit
from services.ivr.ports import END_KEY, Line, LineLost, TakenDown
from services.ivr.synthesis import Program, Speaker

T = TypeVar("T")

# Results of our applications and the end of the legs we serve. Never DTMF: what is keyed comes back with the application.
IVR_LEGS = SubscriptionPlan(
    events=(EventName.CHANNEL_EXECUTE_COMPLETE, EventName.CHANNEL_HANGUP, EventName.CHANNEL_HANGUP_COMPLETE),
    subclasses=(Subclass.FAX_SENT,),
)

DIGITS = "ipcc_digits"
COLLECTING = "play_and_get_digits"
# one of them ends any question a node asks
ENDING_KEYS = "#*"
# where freeswitch/conf/dialplan/safety.xml takes callers that nobody serves
FALLBACK, SAFETY = "fallback", "safety"
ANSWER_TIMEOUT_S = 10.0
GRACE_S = 10.0
# the longest prompt plus the longest wait for a key; an application that takes longer hangs
APPLICATION_TIMEOUT_S = 180.0
LONGEST_TALK_S = 4 * 3600.0
LOOK_S = 1.0
# sooner after a question than this a key was meant for the one before: the shortest wait for a first digit is a second
HABIT_S = 0.9
# what ``show channels`` says a leg does that talks to another, or is about to (transcripts 05 and 08)
JOINING = frozenset({"uuid_bridge", "bridge", "intercept"})
HOW_NOT = {"USER_BUSY": "busy", "NO_ANSWER": "no_answer", "NO_USER_RESPONSE": "no_answer"}
# energy below which mod_dptools' record application hears silence
SILENCE_LEVEL = 200
# every key ends what he says, # as its regular end (mod_dptools.c, record_function and on_dtmf; transcript 04f)
KEYS = "0123456789*#"
SILENCE = "silence_stream://20"
BEEP = "tone_stream://%(400,0,1000)"
"""As the safety net beeps (freeswitch/conf/dialplan/safety.xml)."""


@dataclass(frozen=True)
class Telephony:
    """What the flows need to know of the switches: ``sounds_dir`` as the switch sees it, the safety net in seconds."""

    switches: Switches
    sounds_dir: str
    safety_net_s: int
    spool_dir: str = ""
    gateway: str = "demo"
    speaker: Speaker = field(default_factory=lambda: Speaker(Program((), {}), (), Path()))

    def line(self, node_id: str, leg_id: str) -> Line:
        """The leg; raises NotFound when the node is not among IPCC_SWITCHES."""
        return SwitchLine(self.switches.node(NodeId(node_id)), LegId(leg_id), self)


@dataclass(frozen=True)
class Leg:
    """One leg on its switch: whether it is there, what becomes of it, and the manner of giving it orders."""

    node: SwitchNode
    leg: LegId
    telephony: Telephony

    async def exists(self) -> bool:
        return await self.node.exists(self.leg)

    async def hear(self) -> None:
        await self.node.watch(self.leg)

    async def is_joined(self) -> bool:
        return await self._on_the_line(self._is_joined)

    async def _is_joined(self) -> bool:
        row = next(iter(await self.node.channels(self.leg)), None)
        if row is None:
            raise LineLost
        return row.application in JOINING

    async def hang_up(self, cause: str) -> None:
        await self._tell(UuidKill(self.leg, HangupCause[cause]))

    async def forget(self) -> None:
        await self.node.unwatch(self.leg)

    async def _tell(self, command: Command) -> None:
        await self._on_the_line(lambda: self.node.api(command))

    async def _on_the_line(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await work()
        except LegGoneError as error:
            raise LineLost from error
        except SwitchRefused as error:
            if not await self.node.exists(self.leg):
                raise LineLost from error
            raise


@dataclass(frozen=True)
class SwitchLine(Leg):
    """One caller's leg and what is said and asked on it."""

    _cut: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self) -> None:
        await self._on_the_line(self._answer)

    async def _answer(self) -> None:
        await self.node.watch(self.leg)
        # What a caller keys is a card or a password sooner or later, often typed ahead: from here on the switch tells it to
        # nobody and keeps it out of digits_dialed (switch_channel.c, switch_channel_queue_dtmf: DTMF_FLAG_SENSITIVE).
        await self.node.api(UuidSetVar(self.leg, "sensitive_dtmf", "true"))
        await self.node.execute(self.leg, "answer", timeout=ANSWER_TIMEOUT_S)

    async def interrupt(self) -> None:
        await self._tell(UuidBreak(self.leg, all_queued=True))

    async def cut_short(self) -> None:
        self._cut.set()
        await self.interrupt()
        row = next(iter(await self._on_the_line(lambda: self.node.channels(self.leg))), None)
        if row is not None and row.application == COLLECTING:
            # waiting for a key it looks at no break (switch_ivr.c, switch_ivr_collect_digits_count); a key that ends it does
            await self._tell(Words("uuid_recv_dtmf", self.leg, ENDING_KEYS))

    async def play(self, prompt_ids: tuple[str, ...], language: str) -> str:
        async with self._voiced(prompt_ids, language) as sound:
            return await self._on_the_line(lambda: self._play(sound, APPLICATION_TIMEOUT_S))

    async def _play(self, sound: str, timeout_s: float) -> str:
        ended = await self.node.execute(self.leg, "playback", sound, timeout=timeout_s)
        return ended.variables.get("playback_terminator_used", "")

    async def collect(self, prompt_ids: tuple[str, ...], language: str, wanted: Collect) -> Keyed:
        async with self._voiced(prompt_ids, language) as sound:
            return await self._on_the_line(lambda: self._collect(sound, wanted))

    async def _collect(self, sound: str, wanted: Collect) -> Keyed:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._cut.clear()
        keyed = await self._collect_once(sound, wanted)
        is_early = END_KEY in wanted.terminators and loop.time() - began < HABIT_S
        if not keyed.digits and is_early and not self._cut.is_set():
            # nobody can have been silent for so short a time: it is the key that callers press once more, out of habit, behind
            # a number whose last digit had ended it; this question is not to be over before it was heard
            keyed = await self._collect_once(sound, wanted)
        return keyed

    async def _collect_once(self, sound: str, wanted: Collect) -> Keyed:
        words = [str(wanted.min_digits), str(wanted.max_digits), "1", str(wanted.first_digit_s * 1000)]
        words += [wanted.terminators, sound, SILENCE, DIGITS]
        if not wanted.secret:
            # the pattern is only there because the time between digits comes after it; it would also log what was keyed
            words += [".", str(wanted.between_digits_s * 1000)]
        ended = await self.node.execute(self.leg, COLLECTING, " ".join(words), timeout=APPLICATION_TIMEOUT_S)
        digits = ended.variables.get(DIGITS, "")
        if digits:
            # a value left on the channel would show in every later event, in dumps and in the switch's own records
            await self.node.api(UuidSetVar(self.leg, DIGITS, ""))
        if ended.is_hung_up:
            raise LineLost
        return Keyed(KeyedKind.DIGITS if digits else KeyedKind.NOTHING, digits)

    async def wipe(self) -> None:
        await self._tell(Words("uuid_flush_dtmf", self.leg))
        await self._tell(UuidSetVar(self.leg, DIGITS, ""))

    async def connect(self, wanted: Connect) -> str:
        to: Endpoint = Gateway(self.telephony.gateway, wanted.number) if wanted.is_outside else User(wanted.number)
        return await self._on_the_line(lambda: self._connect(to.render(), wanted.ring_s))

    async def _connect(self, to: str, ring_s: int) -> str:
        for name, value in (("call_timeout", str(ring_s)), ("hangup_after_bridge", "true")):
            await self.node.api(UuidSetVar(self.leg, name, value))
        # the conversation may be long: the switch's own limits end it, not this wait
        ended = await self.node.execute(self.leg, "bridge", to, timeout=LONGEST_TALK_S)
        how = ended.variables.get("originate_disposition", "")
        if how == "SUCCESS":
            return "talked"
        if ended.is_hung_up:
            raise LineLost
        return HOW_NOT.get(how, "failed")

    async def rejoin(self) -> str:
        return await self._on_the_line(self._rejoin)

    async def _rejoin(self) -> str:
        """The result of another's application is told to him alone: the switch is asked until the leg does something else."""
        how = ""
        while True:
            row = next(iter(await self.node.channels(self.leg)), None)
            if row is None and how != "SUCCESS":
                raise LineLost
            if row is None or (row.application != "bridge" and how):
                return "talked" if how == "SUCCESS" else HOW_NOT.get(how, "failed")
            if row.application != "bridge":
                return ""
            how = (await self.node.api(UuidGetVar(self.leg, "originate_disposition"))).strip()
            await asyncio.sleep(LOOK_S)

    async def record(self, prompt_ids: tuple[str, ...], language: str, wanted: Record) -> Recorded:
        async with self._voiced(prompt_ids, language) as sound:
            return await self._on_the_line(lambda: self._record(sound, wanted))

    async def _record(self, sound: str, wanted: Record) -> Recorded:
        path = f"{self.telephony.spool_dir}/messages/{wanted.name}.wav"
        for heard in (sound, BEEP) if wanted.beep else (sound,):
            await self.node.execute(self.leg, "playback", heard, timeout=APPLICATION_TIMEOUT_S)
        await self._set_keys(END_KEY)
        words = f"{path} {wanted.longest_s} {SILENCE_LEVEL} {wanted.silence_s}"
        now = asyncio.get_running_loop().time
        began, longest = now(), wanted.longest_s + APPLICATION_TIMEOUT_S
        try:
            ended = await self.node.execute(self.leg, "record", words, timeout=longest)
        except LegGoneError:
            # the hang-up is told before the end of the application, so what the switch measured comes too late
            return Recorded(path, min(int(now() - began), wanted.longest_s), is_hung_up=True)
        found = ended.variables.get("record_seconds", "0")
        seconds = int(found) if found.isdecimal() else 0
        # the switch's own word: at a key or at the limit it says false (transcript 18a)
        return Recorded(path, seconds, is_silenced=ended.variables.get("silence_hits_exhausted") == "true")

    async def take_down(self, prompt_ids: tuple[str, ...], language: str, wanted: Listen, path: str) -> TakenDown:
        await self._set_keys(KEYS)
        async with self._voiced(prompt_ids, language) as sound:
            key = await self._on_the_line(lambda: self._play(sound, APPLICATION_TIMEOUT_S))
        is_recorded = not key
        if is_recorded:
            key = await self._on_the_line(lambda: self._take_down(wanted, path))
        # what is said next is not cut short by a key
        await self._set_keys("")
        return TakenDown(key, is_recorded=is_recorded)

    async def _take_down(self, wanted: Listen, path: str) -> str:
        words = f"{path} {wanted.longest_s} {SILENCE_LEVEL} {wanted.silence_s}"
        ended = await self.node.execute(self.leg, "record", words, timeout=wanted.longest_s + GRACE_S)
        if ended.is_hung_up:
            raise LineLost
        return ended.variables.get("playback_terminator_used", "")

    async def fax(self, path: str) -> Faxed:
        return await transmit(self.node, self.leg, path, asks_for_t38=False)

    async def start_music(self, music: str) -> None:
        await self._set_keys("")
        await self._on_the_line(lambda: self.node.start(self.leg, "playback", music))

    async def play_until_key(self, music: str, keys: str) -> str:
        await self._set_keys(keys)
        return await self._on_the_line(lambda: self._play(music, LONGEST_TALK_S))

    async def _set_keys(self, keys: str) -> None:
        """Which keys stop what is played: left alone, a star would, and he would wait in silence (mod_dptools.c, on_dtmf)."""
        await self._tell(UuidSetVar(self.leg, "playback_terminators", keys or "none"))

    async def push_safety_net(self) -> None:
        await self._tell(SchedDel(self.leg))
        await self._tell(SchedTransfer(self.telephony.safety_net_s, self.leg, FALLBACK, SAFETY))

    async def fall_back(self) -> None:
        await self._tell(UuidTransfer(self.leg, FALLBACK, SAFETY))

    @asynccontextmanager
    async def _voiced(self, prompt_ids: tuple[str, ...], language: str) -> AsyncIterator[str]:
        """What the switch plays; texts among the prompts are made into files that last as long as this."""
        async with self.telephony.speaker.voiced(prompt_ids, language) as found:
            yield self._sound(found, language)

    def _sound(self, prompt_ids: tuple[str, ...], language: str) -> str:
        """The prompts as one sound of the switch; a sequence is a ``file_string`` (mod_dptools.c)."""
        folder = f"{self.telephony.sounds_dir}/{language}"
        files = [one if one.startswith("/") else f"{folder}/{one}.wav" for one in prompt_ids]
        if not files:
            return SILENCE
        return files[0] if len(files) == 1 else "file_string://" + "!".join(files)
