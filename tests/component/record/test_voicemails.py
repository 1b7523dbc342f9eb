"""What a caller left reaches the agents of its queue: told when it can be heard, taken by one, heard by right, done or given back."""

from __future__ import annotations

import asyncio
import struct
import uuid
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from ipcc.auth.principal import Role
from ipcc.auth.tokens import issue_development_token
from ipcc.contracts.config import ConfigChanged, Queue, User
from ipcc.contracts.ivr import MessageLeft
from ipcc.contracts.recording import RecordingFailed, VoicemailChanged
from services.record.settings import RecordSettings
from tests.component.record.test_strays import left_alone
from tests.component.record.world import World, write_wav
from tests.support.service import make_settings
from tests.support.until import until

CALL = "5c1b6f0e-3f52-4a57-9d5e-5f0a4f6f0c01"
MAIL = f"message-{CALL}-7"


def silent_wav(path: Path, seconds: float) -> None:
    """A line on which nobody speaks: a little noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(8000)
        audio.writeframes(struct.pack("<2h", 40, -60) * int(seconds * 4000))


class People:
    """The service as each of its users sees it."""

    def __init__(self, world: World, http: httpx.AsyncClient) -> None:
        self.world, self.http = world, http

    def headers(self, who: str, role: Role = Role.AGENT) -> dict[str, str]:
        settings = make_settings(RecordSettings, self.world.folder)
        return {"Authorization": f"Bearer {issue_development_token(settings, self.world.clock, who, [role])}"}

    async def get(self, path: str, who: str = "li", role: Role = Role.AGENT, **query: Any) -> httpx.Response:
        return await self.http.get(f"/v1/{path}", headers=self.headers(who, role), params=query)

    async def post(self, path: str, who: str = "li", role: Role = Role.AGENT, body: Any = None) -> httpx.Response:
        return await self.http.post(f"/v1/{path}", headers=self.headers(who, role), json=body)

    async def told(self, change: str, voicemail_id: str = MAIL) -> VoicemailChanged:
        """Wait for the newest such word."""

        async def find() -> list[VoicemailChanged]:
            facts = [f for f in await self.world.facts() if isinstance(f, VoicemailChanged)]
            return [f for f in facts if f.recording_id == voicemail_id and f.change == change]

        return (await until(find, what=f"{change} of {voicemail_id}"))[-1]


@asynccontextmanager
async def people(world: World, **settings: Any) -> AsyncIterator[People]:
    """Li and Han serve retail, Bo serves loans; a record that has read so."""
    queues = [Queue(id=name, name=name, skills={name: 1}, voicemail_due_s=600) for name in ("retail", "loans")]
    users = [("li", "retail"), ("han", "retail"), ("bo", "loans")]
    agents = [User(id=name, name=name, organisation="bank", skills={skill: 3}) for name, skill in users]
    objects: list[Queue | User] = [*queues, *agents]
    for one in objects:
        await world.publisher.publish(ConfigChanged(kind=one.kind, object_id=one.id, version=1, object=one))
    async with world.running() as http:
        found = People(world, http)

        async def is_read() -> bool:
            return (await found.get("voicemails", "li")).status_code == 200

        await until(is_read, what="the configuration is read")
        yield found


async def leave(world: World, name: str = f"{CALL}-7", seconds: float = 4, queue: str = "retail") -> None:
    write_wav(world.spool / f"messages/{name}.wav", seconds, channels=1)
    await tell(world, name, seconds, queue)


async def tell(world: World, name: str, seconds: float, queue: str = "retail") -> None:
    left = MessageLeft(
        call_id=name[:36],
        session_id="s1",
        queue_id=queue,
        path=f"/spool/messages/{name}.wav",
        seconds=int(seconds),
        caller_number="13800000001",
        attributes={"language": "zh", "customer_id": "c1\0"},
    )
    await world.publisher.publish(left)


async def test_a_message_left_is_told_and_listed_with_all_that_is_needed_to_call_back(world: World) -> None:
    async with people(world) as here:
        await leave(world)
        told = await here.told("left")
        assert (told.queue_id, told.state, told.caller_number, told.duration_ms) == (
            "retail",
            "waiting",
            "13800000001",
            4000,
        )
        assert told.due_at - told.left_at == timedelta(seconds=600)
        (shown,) = (await here.get("voicemails")).json()["items"]
        assert (shown["voicemail_id"], shown["call_id"], shown["state"], shown["agent_id"]) == (
            MAIL,
            CALL,
            "waiting",
            "",
        )
        assert shown["attributes"] == {"language": "zh", "customer_id": "c1"}
        assert (await here.get(f"voicemails/{MAIL}/audio")).content[:4] == b"RIFF"
        heard = (await here.get(f"recordings/{MAIL}/hearings", "zhou", Role.SUPERVISOR)).json()
        assert [one["subject"] for one in heard] == ["li"]


async def test_of_two_agents_who_take_it_at_once_one_has_it_and_the_other_is_told_who(
    tmp_path: Path, database_url: str
) -> None:
    world = World(tmp_path, database_url)
    async with people(world) as here:
        await leave(world)
        await here.told("left")
        answers = await asyncio.gather(*(here.post(f"voicemails/{MAIL}/take", who) for who in ("li", "han")))
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        won = next(answer.json()["agent_id"] for answer in answers if answer.status_code == 200)
        lost = next(answer.json() for answer in answers if answer.status_code == 409)
        assert (lost["code"], lost["details"]["agent_id"]) == ("voicemail.taken", won)
        # the same order once more is no second one
        assert (await here.post(f"voicemails/{MAIL}/take", won)).status_code == 200
        assert (await here.told("taken")).agent_id == won
        assert sum(isinstance(f, VoicemailChanged) and f.change == "taken" for f in await world.facts()) == 1
    await world.close()


async def test_taken_put_back_taken_by_another_and_done_each_step_is_told_with_who_and_when(world: World) -> None:
    async with people(world) as here:
        await leave(world)
        await here.told("left")
        for who, verb, body in (
            ("li", "take", None),
            ("li", "put-back", None),
            ("han", "take", None),
            ("han", "done", {"outcome": "reached"}),
        ):
            answer = await here.post(f"voicemails/{MAIL}/{verb}", who, body=body)
            assert answer.status_code == 200, answer.text
        done = await here.told("done")
        assert (done.agent_id, done.by, done.outcome, done.state) == ("han", "han", "reached", "done")
        steps = [f for f in await world.facts() if isinstance(f, VoicemailChanged)]
        assert [(f.change, f.by, f.state.value) for f in steps] == [
            ("left", "", "waiting"),
            ("taken", "li", "taken"),
            ("put_back", "li", "waiting"),
            ("taken", "han", "taken"),
            ("done", "han", "done"),
        ]
        assert [f.changed_at for f in steps] == sorted(f.changed_at for f in steps)
        assert (await here.get("voicemails")).json()["items"] == []
        (shown,) = (await here.get("voicemails", state="done")).json()["items"]
        assert (shown["outcome"], shown["agent_id"]) == ("reached", "han")
        refused = await here.post(f"voicemails/{MAIL}/take", "li")
        assert (refused.status_code, refused.json()["code"]) == (409, "voicemail.done")


async def test_agents_of_other_queues_neither_find_nor_hear_nor_take_it_and_supervisors_may(world: World) -> None:
    async with people(world) as here:
        await leave(world)
        await here.told("left")
        assert (await here.get("voicemails", "bo")).json()["items"] == []
        assert (await here.get("voicemails", "bo", queue_id="retail")).json()["code"] == "voicemail.other_queue"
        for path in (f"voicemails/{MAIL}", f"voicemails/{MAIL}/audio", f"recordings/{MAIL}/audio"):
            assert (await here.get(path, "bo")).json()["code"] == "voicemail.other_queue"
        assert (await here.post(f"voicemails/{MAIL}/take", "bo")).status_code == 403
        # a user without the role of an agent, whatever his skills
        assert (await here.get(f"voicemails/{MAIL}", "li", Role.ADMINISTRATOR)).status_code == 403
        assert (await here.get(f"voicemails/{MAIL}/audio", "zheng", Role.AUDITOR)).status_code == 200
        assert (await here.post(f"voicemails/{MAIL}/take", "zheng", Role.AUDITOR)).status_code == 403
        assert (await here.post(f"voicemails/{MAIL}/take", "li")).status_code == 200
        assert (await here.post(f"voicemails/{MAIL}/put-back", "han")).json()["code"] == "voicemail.not_yours"
        assert (await here.post(f"voicemails/{MAIL}/put-back", "zhou", Role.SUPERVISOR)).status_code == 200
        assert (await here.told("put_back")).by == "zhou"
        heard = (await here.get(f"recordings/{MAIL}/hearings", "zhou", Role.SUPERVISOR)).json()
        assert [one["subject"] for one in heard] == ["zheng"]


async def test_what_nobody_takes_in_its_time_is_overdue_and_told_again_every_hour(world: World) -> None:
    async with people(world) as here:
        await leave(world)
        await here.told("left")

        async def is_overdue() -> bool:
            found = (await here.get("voicemails", overdue=True)).json()["items"]
            return bool(found) and bool(found[0]["overdue"])

        assert not await is_overdue()
        world.clock.jump(timedelta(seconds=600))
        await until(is_overdue, what="overdue")
        world.clock.jump(timedelta(hours=1))
        again = await here.told("again")
        assert (again.state, again.changed_at) == ("waiting", again.left_at)


async def test_one_that_somebody_took_and_forgot_goes_back_to_the_others(world: World) -> None:
    async with people(world) as here:
        await leave(world)
        await here.told("left")
        assert (await here.post(f"voicemails/{MAIL}/take", "li")).status_code == 200
        world.clock.jump(timedelta(hours=4, minutes=1))
        back = await here.told("put_back")
        assert (back.state, back.by, back.agent_id) == ("waiting", "record", "li")
        assert (await here.post(f"voicemails/{MAIL}/take", "han")).status_code == 200


async def test_a_line_on_which_nobody_spoke_leaves_no_voicemail_and_no_alarm(world: World) -> None:
    async with people(world) as here:
        silent_wav(world.spool / f"messages/{CALL}-7.wav", 6)
        await tell(world, f"{CALL}-7", 6)

        async def fault() -> str:
            found = (await here.get(f"recordings/{MAIL}", "zhou", Role.SUPERVISOR)).json()
            return str(found.get("fault", ""))

        assert await until(fault, what="the fault") == "silent"
        assert not any(isinstance(f, VoicemailChanged | RecordingFailed) for f in await world.facts())
        assert (await here.get("voicemails")).json()["items"] == []
        assert (await here.post(f"voicemails/{MAIL}/take", "li")).status_code == 404
        await until(lambda: not list(world.spool.glob("messages/*")), what="the spool is empty")


async def test_one_whose_audio_never_comes_is_told_to_no_agent(world: World) -> None:
    async with people(world) as here:
        await tell(world, f"{CALL}-7", 6)

        async def failed() -> bool:
            return any(isinstance(f, RecordingFailed) for f in await world.facts())

        await until(failed, what="missing")
        assert (await here.get(f"voicemails/{MAIL}", "zhou", Role.SUPERVISOR)).status_code == 404
        assert not any(isinstance(f, VoicemailChanged) for f in await world.facts())


async def test_a_message_of_the_safety_net_is_nobodys_but_the_supervisors_until_a_setting_names_a_queue(
    world: World,
) -> None:
    left_alone(world, f"messages/{CALL}.wav")
    async with people(world) as here:
        assert (await here.told("left", f"message-{CALL}")).queue_id == ""
        assert (await here.get("voicemails")).json()["items"] == []
        assert len((await here.get("voicemails", "zhou", Role.SUPERVISOR)).json()["items"]) == 1


async def test_pages_of_the_list_hold_each_once_the_oldest_first(world: World) -> None:
    async with people(world) as here:
        names = [f"{uuid.uuid4()}-1" for _ in range(5)]
        for name in names:
            await leave(world, name)
            await here.told("left", f"message-{name}")
        found: list[str] = []
        after: str | None = ""
        while after is not None:
            query: dict[str, Any] = {"limit": 2, "after": after} if after else {"limit": 2}
            page = (await here.get("voicemails", **query)).json()
            found += [one["voicemail_id"] for one in page["items"]]
            after = page["next"]
        assert found == [f"message-{name}" for name in names]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("voicemails/none/take", None, 404),
        (f"voicemails/{MAIL}/done", {"outcome": "sold"}, 422),
        (f"voicemails/{MAIL}/done", {}, 422),
        ("voicemails/..%2fx/take", None, 404),
    ],
)
async def test_what_is_no_voicemail_and_no_outcome_is_refused(world: World, path: str, body: Any, status: int) -> None:
    async with people(world) as here:
        assert (await here.post(path, "li", body=body)).status_code == status


async def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    async with people(world) as here:
        answer = await here.get("voicemails", after="WyJ4IiwieSJd")
        assert (answer.status_code, answer.json()["code"]) == (422, "page.cursor")
