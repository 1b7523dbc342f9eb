"""Everything call control does, through the whole suite: it leads to the same record of the call on either switch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.live.bench import Bench
from tests.live.talks import SUPERVISOR, THIRD, Record, Talk, as_supervisor, read_record, talking

Scene = Callable[[Talk], Awaitable[None]]


async def hold(talk: Talk) -> None:
    await talk.do("hold")
    await talk.do("retrieve")
    await talk.do("digits", body={"digits": "12"})


async def transfer(talk: Talk) -> None:
    await talk.to_phone("transfer")
    await talk.are_joined(await talk.leg_at(THIRD), talk.call.id)


async def consult(talk: Talk) -> None:
    await talk.to_phone("consult")
    await talk.are_joined(talk.agent, await talk.leg_at(THIRD))


async def complete(talk: Talk) -> None:
    await consult(talk)
    await talk.do("alternate")
    await talk.do("alternate")
    await talk.do("complete")


async def cancel(talk: Talk) -> None:
    await consult(talk)
    await talk.do("cancel")


async def confer(talk: Talk) -> None:
    await consult(talk)
    third = await talk.leg_at(THIRD)
    await talk.do("conference")
    await talk.do("hang-up", third)
    await talk.do("hang-up")


async def park(talk: Talk) -> None:
    await talk.do("park")
    picked = (await talk.bench.post("ctiserver", f"/v1/agents/1001/pick-up/{talk.call.id}")).json()
    await talk.are_joined(picked["leg_id"], talk.call.id)


async def supervise(talk: Talk) -> None:
    boss = await as_supervisor(talk.bench, "POST", talk.agent, "supervise", "listen")
    for mode in ("whisper", "barge", "listen"):
        await as_supervisor(talk.bench, "PUT", boss["leg_id"], "supervision", mode)


async def intercept(talk: Talk) -> None:
    await as_supervisor(talk.bench, "POST", talk.agent, "intercept")
    await talk.are_joined(await talk.leg_at(SUPERVISOR), talk.call.id)


CALLER = "started as customer, answered, talks to 1001"
AGENT = "started as agent, ringing, answered, talks to customer"
ASIDE = "started as consult, ringing, answered, talks to 1001"
OVER = "parts from customer, ended NORMAL_CLEARING"
CONSULTS = f"{AGENT}, consults, parts from customer, talks to 1002, parts from 1002"
BOSS = "started as supervisor, ringing, answered"

RECORDS: dict[Scene, dict[str, str]] = {
    hold: {
        "customer": f"{CALLER}, parts from 1001, ended NORMAL_CLEARING",
        "1001": f"{AGENT}, held, resumed, {OVER}",
    },
    transfer: {
        "customer": f"{CALLER}, transferred, parts from 1001, talks to 1002, parts from 1002, ended NORMAL_CLEARING",
        "1001": f"{AGENT}, {OVER}",
        "1002": f"started as consult, ringing, answered, talks to customer, {OVER}",
    },
    complete: {
        "customer": f"{CALLER}, waits for 1001, parts from 1001, talks to 1001, retrieved, waits for 1001, parts from 1001, "
        "talks to 1002, retrieved, parts from 1002, ended NORMAL_CLEARING",
        "1001": f"{CONSULTS}, talks to customer, parts from customer, talks to 1002, parts from 1002, ended NORMAL_CLEARING",
        "1002": f"{ASIDE}, waits for 1001, parts from 1001, talks to 1001, retrieved, parts from 1001, talks to customer, {OVER}",
    },
    cancel: {
        "customer": f"{CALLER}, waits for 1001, parts from 1001, talks to 1001, retrieved, parts from 1001, ended NORMAL_CLEARING",
        "1001": f"{CONSULTS}, talks to customer, {OVER}",
        "1002": f"{ASIDE}, parts from 1001, ended NORMAL_CLEARING",
    },
    confer: {
        "customer": f"{CALLER}, waits for 1001, parts from 1001, conferenced, ended NORMAL_CLEARING",
        "1001": f"{CONSULTS}, conferenced, ended NORMAL_CLEARING",
        "1002": f"{ASIDE}, parts from 1001, conferenced, ended NORMAL_CLEARING",
    },
    park: {
        "customer": f"{CALLER}, parked, parts from 1001, talks to 1001 again, retrieved, parts from 1001 again, "
        "ended NORMAL_CLEARING",
        "1001": f"{AGENT}, {OVER}",
        "1001 again": f"{AGENT}, {OVER}",
    },
    supervise: {
        "customer": f"{CALLER}, parts from 1001, ended NORMAL_CLEARING",
        "1001": f"{AGENT}, {OVER}",
        "1005": f"{BOSS}, listen 1001, whisper 1001, barge 1001, listen 1001, ended NORMAL_CLEARING",
    },
    intercept: {
        "customer": f"{CALLER}, parts from 1001, talks to 1005, parts from 1005, ended NORMAL_CLEARING",
        "1001": f"{AGENT}, {OVER}",
        "1005": f"{BOSS}, talks to customer, {OVER}",
    },
}


@pytest.mark.parametrize(
    "scenes",
    [(hold, transfer, complete, cancel), (confer, park, supervise, intercept)],
    ids=["two and three parties", "rooms, parking and supervision"],
)
async def test_what_call_control_does_leads_to_the_same_record_on_either_switch(
    bench: Bench, scenes: tuple[Scene, ...]
) -> None:
    found: dict[str, Record] = {}
    for scene in scenes:
        async with talking(bench) as talk:
            await scene(talk)
        found[scene.__name__] = await read_record(talk)
    expected = {scene.__name__: {leg: row.split(", ") for leg, row in RECORDS[scene].items()} for scene in scenes}
    for name, record in expected.items():
        assert found[name] == record, name
