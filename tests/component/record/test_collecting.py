"""From the answer of an agent's leg to a checked file in the store: late, broken, missing, with a full disk, killed in between."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from ipcc.bus import Relay, View
from ipcc.contracts.call import LegEnded
from ipcc.contracts.payload import Payload
from ipcc.contracts.recording import RecordingFailed, RecordingStarted, RecordingStored
from ipcc.contracts.tags import LegRole
from ipcc.contracts.topics import CONFIG, DEAD_LETTER
from ipcc.db.database import Database
from ipcc.db.migrate import upgrade
from ipcc.metrics import Metrics
from services.record.core.policy import Audio
from services.record.core.voicemail import Voicemail
from services.record.directory import Directory
from services.record.spool import Spool
from services.record.store import MIGRATIONS, Kept, Leg, RecordingStore
from services.record.usecases import Recordings
from services.record.voicemails import Voicemails
from tests.component.record.world import World, write_wav
from tests.support.until import until


def state_of(world: World) -> list[str]:
    return sorted(p.name for p in world.store.rglob("*") if p.is_file()) if world.store.exists() else []


async def test_a_recording_is_taken_from_the_spool_checked_and_stored(world: World) -> None:
    async with world.running() as http:
        leg = await world.answered()
        started = await world.fact(RecordingStarted, leg)
        assert started.name == f"recordings/c1/{leg}.wav"
        write_wav(world.file(leg), 2)
        digest = hashlib.sha256(world.file(leg).read_bytes()).hexdigest()
        await world.ended(leg)
        stored = await world.fact(RecordingStored, leg)
        assert (stored.duration_ms, stored.channels, stored.agent_id, stored.sha256) == (2000, 2, "a1", digest)
        await until(lambda: not world.file(leg).exists(), what="the spool is empty")
        assert state_of(world) == [f"{leg}.wav"]
        shown = (await http.get(f"/v1/recordings/{leg}")).json()
        assert (shown["state"], shown["duration_ms"], shown["location"]) == ("stored", 2000, stored.location)


async def test_a_file_that_appears_late_is_waited_for(world: World) -> None:
    async with world.running():
        leg = await world.answered()
        await world.ended(leg)
        await world.fact(RecordingStarted, leg)
        await world.clock.sleep(8)
        write_wav(world.file(leg), 2)
        await world.fact(RecordingStored, leg)


async def test_a_file_that_still_grows_is_waited_for(world: World) -> None:
    async with world.running():
        leg = await world.answered()
        write_wav(world.file(leg), 1)
        await world.ended(leg, talk_s=10)
        await world.clock.sleep(8)
        write_wav(world.file(leg), 10)
        assert (await world.fact(RecordingStored, leg)).duration_ms == 10_000


async def test_a_file_that_never_comes_is_told_as_missing(world: World) -> None:
    async with world.running() as http:
        leg = await world.answered()
        await world.ended(leg)
        ended = world.clock.now()
        assert (await world.fact(RecordingFailed, leg)).reason == "missing"
        assert (world.clock.now() - ended).total_seconds() > 20
        assert (await http.get(f"/v1/recordings/{leg}")).json()["fault"] == "missing"


@pytest.mark.parametrize("content", [b"", b"RIFF", b"this is no sound at all" * 10, b"\xff" * 4096])
async def test_a_file_that_cannot_be_read_is_told_as_unreadable(world: World, content: bytes) -> None:
    async with world.running():
        leg = await world.answered()
        world.file(leg).parent.mkdir(parents=True)
        world.file(leg).write_bytes(content)
        await world.ended(leg)
        assert (await world.fact(RecordingFailed, leg)).reason == "unreadable"


async def test_a_recording_that_is_too_short_is_told_and_kept_all_the_same(world: World) -> None:
    async with world.running() as http:
        leg = await world.answered()
        write_wav(world.file(leg), 3)
        await world.ended(leg, talk_s=60)
        assert (await world.fact(RecordingFailed, leg)).reason == "too_short"
        shown = (await http.get(f"/v1/recordings/{leg}")).json()
        assert (shown["state"], shown["fault"], shown["duration_ms"]) == ("failed", "too_short", 3000)
        audio = await http.get(f"/v1/recordings/{leg}/audio")
        assert audio.status_code == 200
        assert audio.content[:4] == b"RIFF"


async def test_a_file_cut_short_by_a_dying_switch_is_measured_by_what_is_there(world: World) -> None:
    async with world.running():
        leg = await world.answered()
        write_wav(world.file(leg), 60)
        whole = world.file(leg).read_bytes()
        world.file(leg).write_bytes(whole[: len(whole) // 2])
        await world.ended(leg, talk_s=60)
        assert (await world.fact(RecordingFailed, leg)).reason == "too_short"


async def test_an_empty_recording_is_told_as_empty(world: World) -> None:
    async with world.running():
        leg = await world.answered()
        write_wav(world.file(leg), 0)
        await world.ended(leg, talk_s=1)
        assert (await world.fact(RecordingFailed, leg)).reason == "empty"


async def test_legs_that_need_no_recording_raise_no_alarm(world: World) -> None:
    async with world.running() as http:
        by_hand = await world.answered()
        await world.ended(by_hand, offer="")
        silent = await world.answered()
        await world.ended(silent, talk_s=0)
        customer = await world.answered(role=LegRole.CUSTOMER)

        async def is_failed() -> bool:
            return bool((await http.get(f"/v1/recordings/{by_hand}")).json().get("state") == "failed")

        await until(is_failed, what="looked for in vain")
        assert (await http.get(f"/v1/recordings/{customer}")).status_code == 404
        assert not [f for f in await world.facts() if isinstance(f, RecordingFailed)]


async def test_ids_that_lead_out_of_the_spool_are_dead_letters(world: World) -> None:
    secret = world.folder / "secret.wav"
    write_wav(secret, 2)
    async with world.running():
        for leg, call in (
            ("../../secret", "c1"),
            ("x", "../.."),
            ("a/b", "c"),
            ("\u2025", "c"),
            ("x\n", "c"),
            ("", "c"),
        ):
            await world.publisher.publish(leg_ended(leg, call))
        good = await world.answered()
        write_wav(world.file(good), 2)
        await world.ended(good)
        await world.fact(RecordingStored, good)
        await until(lambda: world.broker.logs(DEAD_LETTER.name)[0].end == 6, what="six dead letters")
    assert secret.exists()
    assert state_of(world) == [f"{good}.wav"]


def leg_ended(leg: str, call: str) -> LegEnded:
    return LegEnded(
        call_id=call, leg_id=leg, node_id="fs1", role=LegRole.AGENT, cause="NORMAL_CLEARING", talk_ms=2000, offer_id="o"
    )


async def test_a_store_that_cannot_be_written_is_red_and_green_again_and_loses_nothing(world: World) -> None:
    world.store.write_text("a file where the folder should be")
    async with world.running() as http:
        leg = await world.answered()
        write_wav(world.file(leg), 2)
        await world.ended(leg)
        assert "spool" in await world.health(http, 503)
        await world.clock.sleep(30)
        assert world.file(leg).exists()
        world.store.unlink()
        await world.fact(RecordingStored, leg)
        await world.health(http, 200)


async def test_a_spool_that_is_not_mounted_is_red_and_not_a_missing_recording(world: World) -> None:
    world.spool.rmdir()
    async with world.running() as http:
        leg = await world.answered()
        await world.ended(leg)
        await world.health(http, 503)
        await world.clock.sleep(30)
        write_wav(world.file(leg), 2)
        await world.fact(RecordingStored, leg)
        await world.health(http, 200)
        assert not [f for f in await world.facts() if isinstance(f, RecordingFailed)]


async def test_told_again_after_a_repair_changes_nothing(world: World) -> None:
    async with world.running() as http:
        leg = await world.answered()
        write_wav(world.file(leg), 2)
        await world.ended(leg)
        await world.fact(RecordingStored, leg)
        await world.ended(leg)
        await world.answered(leg)
        other = await world.answered()
        write_wav(world.file(other), 2)
        await world.ended(other)
        await world.fact(RecordingStored, other)
        await world.clock.sleep(25)
        assert (await http.get(f"/v1/recordings/{leg}")).json()["state"] == "stored"
        told = [type(f).__name__ for f in await world.facts() if getattr(f, "leg_id", "") == leg]
        assert told == ["RecordingStarted", "RecordingStored"]


class Killed(Exception):
    """kill -9, as far as one process can play it."""


class DyingStore(RecordingStore):
    """Dies when the row is to be committed."""

    async def mark_stored(self, recording_id: str, kept: Kept, fact: Payload, mail: Voicemail | None = None) -> None:
        raise Killed


async def test_killed_between_copy_and_commit_nothing_is_lost(world: World) -> None:
    database = Database(f"sqlite+aiosqlite:///{world.folder}/record.db", "record")
    store = DyingStore(database, world.publisher)
    await upgrade(database, MIGRATIONS)
    database.mark_ready()
    leg = await end_leg(store, world)
    write_wav(world.file(leg), 2)
    relay = Relay(store.outbox, world.bus, world.clock)
    directory = Directory(View(world.bus, CONFIG, world.clock))
    mails = Voicemails(store.voicemails, directory, relay, world.clock, "", timedelta(hours=4))
    spool = Spool(world.spool, world.store)
    former = Recordings(store, spool, relay, world.clock, Metrics("record"), mails)
    with pytest.raises(Killed):
        await former.collect()
    await database.close()
    assert world.file(leg).exists()
    assert state_of(world) == [f"{leg}.wav"]
    async with world.running():
        assert (await world.fact(RecordingStored, leg)).duration_ms == 2000
        await until(lambda: not world.file(leg).exists(), what="the spool is empty")
    assert state_of(world) == [f"{leg}.wav"]
    assert len([f for f in await world.facts() if isinstance(f, RecordingStored)]) == 1


async def test_two_replicas_store_and_tell_each_recording_once(tmp_path: Path, database_url: str) -> None:
    world = World(tmp_path, database_url)
    async with world.running(), world.running():
        legs = [await world.answered() for _ in range(12)]
        for leg in legs:
            write_wav(world.file(leg), 2)
            await world.ended(leg)
        for leg in legs:
            await world.fact(RecordingStored, leg)
        told = [f for f in await world.facts() if isinstance(f, RecordingStored)]
        assert sorted(f.leg_id for f in told) == sorted(legs)
    assert len(state_of(world)) == 12
    await world.close()


async def test_two_that_finish_the_same_recording_tell_it_once(world: World, database_url: str) -> None:
    database = Database(database_url, "record")
    await upgrade(database, MIGRATIONS)
    database.mark_ready()
    store = RecordingStore(database, world.publisher)
    leg = await end_leg(store, world)
    kept = Kept("2026/01/05/x.wav", Audio(2000, 2, 8000, 64_044), "0" * 64)
    fact = RecordingStored(
        recording_id=leg, call_id="c1", leg_id=leg, location="x", duration_ms=1, size_bytes=1, sha256="", channels=1
    )
    await asyncio.gather(*(store.mark_stored(leg, kept, fact) for _ in range(5)))
    assert await store.outbox.backlog() == 1
    await database.close()


async def test_the_same_event_at_two_replicas_at_once_is_taken_once(world: World, database_url: str) -> None:
    database = Database(database_url, "record")
    await upgrade(database, MIGRATIONS)
    database.mark_ready()
    store = RecordingStore(database, world.publisher)
    fact = RecordingStarted(recording_id="leg-1", call_id="c1", leg_id="leg-1", node_id="fs1", name="n")
    now = world.clock.now()
    await asyncio.gather(*(store.note_started("e1", LEG, now, fact) for _ in range(5)))
    assert await store.outbox.backlog() == 1
    assert await store.inbox.forget(now + timedelta(hours=1)) == 1
    await database.close()


LEG = Leg("leg-1", "c1", "fs1", "a1", "recordings/c1/leg-1.wav")


async def end_leg(store: RecordingStore, world: World) -> str:
    await store.note_ended("e1", LEG, world.clock.now(), 2000, is_required=True)
    return LEG.leg_id


async def test_an_end_that_was_found_by_looking_is_no_measure_of_the_file(world: World) -> None:
    async with world.running():
        leg = await world.answered()
        write_wav(world.file(leg), 2)
        await world.ended(leg, talk_s=9, by="unknown")
        assert (await world.fact(RecordingStored, leg)).duration_ms == 2000
