"""What the switch writes by itself: recordings of the safety net, messages of callers, legs nobody told of."""

from __future__ import annotations

import os
import uuid
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from ipcc.contracts.ivr import MessageLeft
from ipcc.contracts.recording import (
    RecordingFailed,
    RecordingKind,
    RecordingPayload,
    RecordingStored,
    VoicemailChanged,
)
from ipcc.contracts.topics import DEAD_LETTER
from tests.component.record.world import World, write_wav
from tests.support.until import until

T = TypeVar("T", bound=RecordingPayload)
CALL = "5c1b6f0e-3f52-4a57-9d5e-5f0a4f6f0c01"


def left_alone(world: World, name: str, seconds: float = 2, content: bytes = b"", minutes: float = 1) -> Path:
    """A file the switch wrote a minute or more ago: audio, or just ``content``."""
    path = world.spool / name
    write_wav(path, seconds)
    if content:
        path.write_bytes(content)
    written_at = (world.clock.now() - timedelta(minutes=minutes)).timestamp()
    os.utime(path, (written_at, written_at))
    return path


async def told_of(world: World, kind: type[T], recording_id: str) -> T:
    """Wait until that was told of the recording."""

    async def find() -> list[T]:
        return [f for f in await world.facts() if isinstance(f, kind) and f.recording_id == recording_id]

    return (await until(find, what=f"{kind.__name__} of {recording_id}"))[0]


async def test_a_recording_whose_leg_nobody_told_of_is_taken_in_when_it_has_been_left_alone(world: World) -> None:
    leg = str(uuid.uuid4())
    path = left_alone(world, f"recordings/c1/{leg}.wav")
    async with world.running():
        stored = await world.fact(RecordingStored, leg)
        assert (stored.call_id, stored.duration_ms, stored.kind) == ("c1", 2000, RecordingKind.AGENT)
        await until(lambda: not path.exists(), what="the spool is empty")


@pytest.mark.parametrize("name", ["safety", "safety-1001"])
async def test_what_the_safety_net_recorded_is_collected_under_its_call(world: World, name: str) -> None:
    path = left_alone(world, f"recordings/{CALL}/{name}.wav", 3)
    async with world.running() as http:
        stored = await told_of(world, RecordingStored, f"{CALL}-{name}")
        assert (stored.call_id, stored.leg_id, stored.kind, stored.duration_ms) == (CALL, CALL, "safety", 3000)
        await until(lambda: not path.exists(), what="the spool is empty")
        (shown,) = (await http.get("/v1/recordings", params={"call_id": CALL, "kind": "safety"})).json()
        assert (shown["recording_id"], shown["state"]) == (f"{CALL}-{name}", "stored")
        assert (await http.get(f"/v1/recordings/{CALL}-{name}/audio")).status_code == 200


async def test_a_recording_of_the_safety_net_that_cannot_be_read_is_told(world: World) -> None:
    left_alone(world, f"recordings/{CALL}/safety.wav", content=b"no audio")
    async with world.running():
        failed = await told_of(world, RecordingFailed, f"{CALL}-safety")
        assert (failed.reason, failed.kind) == ("unreadable", "safety")


async def test_a_message_of_the_safety_net_is_collected_under_its_call(world: World) -> None:
    left_alone(world, f"messages/{CALL}.wav")
    async with world.running():
        stored = await told_of(world, RecordingStored, f"message-{CALL}")
        assert (stored.call_id, stored.kind, stored.queue_id) == (CALL, "message", "")


async def test_a_message_left_in_a_flow_is_collected_for_its_queue_once_ivr_tells_of_it(world: World) -> None:
    write_wav(world.spool / f"messages/{CALL}-7.wav", 4, channels=1)
    async with world.running() as http:
        # the switch's spool may be mounted elsewhere
        path = f"/var/spool/ipcc/messages/{CALL}-7.wav"
        await world.publisher.publish(
            MessageLeft(call_id=CALL, session_id="s1", queue_id="retail", path=path, seconds=4)
        )
        stored = await told_of(world, RecordingStored, f"message-{CALL}-7")
        assert (stored.call_id, stored.kind, stored.queue_id, stored.channels) == (CALL, "message", "retail", 1)
        (shown,) = (await http.get("/v1/recordings", params={"kind": "message", "queue_id": "retail"})).json()
        assert (shown["call_id"], shown["duration_ms"]) == (CALL, 4000)


async def test_a_message_that_was_found_before_ivr_told_of_it_gets_its_queue_and_is_told_once(world: World) -> None:
    left_alone(world, f"messages/{CALL}-7.wav", 4, minutes=16)
    async with world.running() as http:
        await told_of(world, RecordingStored, f"message-{CALL}-7")
        told = MessageLeft(call_id=CALL, session_id="s1", queue_id="retail", path=f"x/messages/{CALL}-7.wav", seconds=4)
        await world.publisher.publish(told)

        async def queue() -> str:
            found: str = (await http.get(f"/v1/recordings/message-{CALL}-7")).json()["queue_id"]
            return found

        await until(queue, what="the queue is known")
        assert sum(isinstance(fact, RecordingStored) for fact in await world.facts()) == 1
        # told as nobody's, then once more as the queue's
        told_so = [fact for fact in await world.facts() if isinstance(fact, VoicemailChanged)]
        assert [(fact.queue_id, fact.change) for fact in told_so] == [("", "left"), ("retail", "left")]
        (mail,) = (await http.get("/v1/voicemails", params={"queue_id": "retail"})).json()["items"]
        assert (mail["voicemail_id"], mail["duration_ms"]) == (f"message-{CALL}-7", 4000)


async def test_a_message_its_caller_may_still_say_anew_is_left_in_the_spool(world: World) -> None:
    draft = left_alone(world, f"messages/{CALL}-7.wav", 4, minutes=14)
    async with world.running():
        left_alone(world, f"messages/{CALL}.wav")
        await told_of(world, RecordingStored, f"message-{CALL}")
        assert draft.exists()


async def test_a_message_that_never_comes_is_told_as_missing(world: World) -> None:
    async with world.running():
        told = MessageLeft(call_id=CALL, session_id="s1", queue_id="retail", path=f"x/messages/{CALL}-1.wav", seconds=4)
        await world.publisher.publish(told)
        failed = await told_of(world, RecordingFailed, f"message-{CALL}-1")
        assert (failed.reason, failed.queue_id) == ("missing", "retail")


@pytest.mark.parametrize("path", ["", "x.wav", "../../etc/passwd", f"recordings/{CALL}/safety.wav", "messages/..wav"])
async def test_a_message_at_no_place_of_messages_is_a_dead_letter(world: World, path: str) -> None:
    async with world.running():
        await world.publisher.publish(
            MessageLeft(call_id=CALL, session_id="s1", queue_id="retail", path=path, seconds=4)
        )
        await until(lambda: world.broker.logs(DEAD_LETTER.name)[0].end == 1, what="the dead letter")


async def test_files_of_other_names_are_left_where_they_are(world: World) -> None:
    others = [left_alone(world, name) for name in ("recordings/c1/notes.wav", "messages/a b.wav", "fax/x.wav")]
    async with world.running():
        left_alone(world, f"messages/{CALL}.wav")
        await told_of(world, RecordingStored, f"message-{CALL}")
        assert all(path.exists() for path in others)
