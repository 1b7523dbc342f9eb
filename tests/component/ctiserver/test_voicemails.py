"""Voicemails at desktops: told to all who serve the queue, shown to who comes later, called back by who has taken them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ipcc.bus import Publisher
from ipcc.clock import SystemClock
from ipcc.contracts.acd import OfferMade
from ipcc.contracts.call import CallDataAttached, LegStarted
from ipcc.contracts.config import ConfigChanged, Queue, User
from ipcc.contracts.recording import VoicemailChanged, VoicemailState
from ipcc.contracts.tags import LegRole
from ipcc.sim.people import PhoneScript
from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import Desktop, office_of
from tests.component.ctiserver.floor import Floor
from tests.support.until import until

LEFT = SystemClock().now()
MAIL = "message-5c1b6f0e-3f52-4a57-9d5e-5f0a4f6f0c01-7"


def word(change: str, agent: str = "", mail: str = MAIL, **given: Any) -> VoicemailChanged:
    states = {"left": VoicemailState.WAITING, "put_back": VoicemailState.WAITING, "taken": VoicemailState.TAKEN}
    fixed: dict[str, Any] = {
        "recording_id": mail,
        "call_id": "c1",
        "leg_id": "c1",
        "queue_id": "cards",
        "state": states.get(change, VoicemailState.DONE),
        "change": change,
        "changed_at": LEFT,
        "left_at": LEFT,
        "due_at": LEFT + timedelta(hours=1),
        "duration_ms": 4000,
        "caller_number": "13800000009",
        "attributes": {"customer_id": "c1001"},
        "agent_id": agent,
        "by": agent,
    }
    return VoicemailChanged(**{**fixed, **given})


async def open_loans(bench: Bench) -> None:
    """A queue that li serves, too, and an agent who serves only that."""
    objects: list[Queue | User] = [
        Queue(id="loans", name="贷款", skills={"loans": 1}),
        User(id="bo", name="Bo", organisation="bank", skills={"loans": 3}),
    ]
    for number, one in enumerate(objects, 1000):
        changed = ConfigChanged(kind=one.kind, object_id=one.id, version=number, object=one)
        await bench.publisher.publish(changed)


async def test_all_who_serve_the_queue_are_told_live_and_see_who_takes_it_and_that_it_is_done(bench: Bench) -> None:
    await open_loans(bench)
    async with (
        office_of(bench) as office,
        office.desktop("li") as li,
        office.desktop("han") as han,
        office.desktop("bo") as bo,
    ):
        for change, agent in (("left", ""), ("taken", "li"), ("done", "li")):
            await bench.publisher.publish(word(change, agent))
        for desktop in (li, han):
            left = (await desktop.until("voicemail.left"))["data"]
            assert (left["voicemail_id"], left["queue_name"], left["caller_number"]) == (MAIL, "信用卡", "13800000009")
            assert left["attributes"] == {"customer_id": "c1001"}
            assert (await desktop.until("voicemail.taken"))["data"]["agent_id"] == "li"
            assert (await desktop.until("voicemail.done"))["data"]["state"] == "done"
        # to whoever serves another queue nothing came before this
        await bench.publisher.publish(word("left", mail="m2", queue_id="loans"))
        assert [(await bo.until("voicemail.left"))["data"]["voicemail_id"], bo.types] == [
            "m2",
            ["hello", "voicemail.left"],
        ]


async def test_who_comes_later_also_at_another_replica_is_shown_what_waits_for_his_queues(bench: Bench) -> None:
    await open_loans(bench)
    for told in (
        word("left", mail="m1"),
        word("taken", "han", mail="m1"),
        word("left", mail="m2", left_at=LEFT - timedelta(hours=1)),
        word("left", mail="m3", queue_id="loans"),
        word("left", mail="m4"),
        word("done", "han", mail="m4"),
    ):
        await bench.publisher.publish(told)
    for _ in range(2):
        async with office_of(bench) as office, office.client("li") as li, office.client("bo") as bo:
            mine = (await li.get("/v1/agents/li")).json()["voicemails"]
            assert [(one["voicemail_id"], one["state"], one["agent_id"]) for one in mine] == [
                ("m2", "waiting", ""),
                ("m1", "taken", "han"),
            ]
            theirs = (await bo.get("/v1/agents/bo")).json()["voicemails"]
            assert [one["voicemail_id"] for one in theirs] == ["m3"]


async def test_a_desktop_that_comes_back_is_told_in_order_what_it_missed_of_its_own_and_of_its_queues(
    bench: Bench,
) -> None:
    await open_loans(bench)
    async with office_of(bench) as office:
        async with office.desktop("li") as desktop:
            await desktop.next()
            await bench.publisher.publish(word("left", mail="m1"))
            await desktop.until("voicemail.left")
        async with office.desktop("han") as other:
            await bench.publisher.publish(word("taken", "han", mail="m1"))
            await other.until("voicemail.taken")
            await bench.publisher.publish(offered())
            await bench.publisher.publish(word("left", mail="m2"))
            await other.until("voicemail.left")
        async with office.desktop("li", after=desktop.last_id) as back:
            seen = [(m["type"], m["data"].get("voicemail_id")) for m in await several(back, 3)]
        assert sorted(seen) == [("offer.made", None), ("voicemail.left", "m2"), ("voicemail.taken", "m1")]
        voicemails = [one for one in seen if one[1]]
        assert voicemails == [("voicemail.taken", "m1"), ("voicemail.left", "m2")]


def offered() -> OfferMade:
    ids = {"offer_id": "a1", "entry_id": "e1", "call_id": "c9", "queue_id": "cards", "agent_id": "li"}
    return OfferMade(**ids, phone_id="1001", node_id="fs1", epoch=1, deadline=LEFT + timedelta(seconds=20))


async def several(desktop: Desktop, number: int) -> list[dict[str, Any]]:
    return [await desktop.next() for _ in range(number)]


async def test_what_is_told_again_every_hour_is_no_news_to_who_knows_it(bench: Bench) -> None:
    async with office_of(bench) as office, office.desktop("li") as li:
        await bench.publisher.publish(word("left", mail="m1"))
        await bench.publisher.publish(word("again", mail="m1", state=VoicemailState.WAITING))
        # nobody here has heard of this one
        await bench.publisher.publish(word("again", "han", mail="m0", state=VoicemailState.TAKEN))
        await li.until("voicemail.taken")
        assert li.types == ["hello", "voicemail.left", "voicemail.taken"]


async def test_who_has_taken_it_calls_back_and_the_call_carries_its_id(floor: Floor) -> None:
    publisher = Publisher(floor.parts.bus(floor.settings()), "test/test", floor.parts.clock)
    async with floor.ctiserver() as client:
        assert floor.switch.register("1001")
        floor.switch.set_phone(PhoneScript("1001", answer_after_s=None))
        back = f"/v1/agents/li/voicemails/{MAIL}/call-back"

        async def is_there() -> bool:
            state = (await client.get("/v1/phones")).json()
            return any(one["phone_id"] == "1001" and one["registered"] for one in state)

        await until(is_there, what="the phone is registered")
        assert (await client.post(back)).json()["code"] == "voicemail.unknown"
        for told, status, code in (
            (word("left"), 409, "voicemail.not_taken"),
            (word("taken", "han"), 403, "voicemail.not_yours"),
            (word("taken", "li", caller_number="anonymous"), 409, "voicemail.no_number"),
        ):
            await publisher.publish(told)
            await until(lambda told=told: known(client, told), what="it is told here")  # type: ignore[misc]
            answer = await client.post(back)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert not [one for one in await floor.told() if isinstance(one.payload, LegStarted)]
        await publisher.publish(word("taken", "li"))
        await until(lambda: known(client, word("taken", "li")), what="it is told here")
        answer, again = [await client.post(back, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
        assert answer.status_code == 200, answer.text
        leg = answer.json()
        assert (leg["agent_id"], leg["address"], again.json()["leg_id"]) == ("li", "1001", leg["leg_id"])
        call = (await client.get(f"/v1/calls/{leg['call_id']}")).json()
        assert call["data"] == {"voicemail_id": MAIL, "voicemail_call_id": "c1"}
        assert call["dialled_number"] == "13800000009"
        told_so = await floor.until_told(CallDataAttached)
        attached = [one.payload.call_id for one in told_so if isinstance(one.payload, CallDataAttached)]
        # attached again by the same request, it is the same
        assert set(attached) == {leg["call_id"]}
        roles = [one.payload.role for one in told_so if isinstance(one.payload, LegStarted)]
        assert roles == [LegRole.AGENT]
        await client.post(f"/v1/legs/{leg['leg_id']}/hang-up")


async def known(client: Any, told: VoicemailChanged) -> bool:
    shown = (await client.get("/v1/agents/li")).json()["voicemails"]
    return any(
        (one["state"], one["agent_id"], one["caller_number"]) == (told.state.value, told.agent_id, told.caller_number)
        for one in shown
    )
