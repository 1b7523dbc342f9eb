"""What is done to another's call is audited, whichever way it was asked for; what somebody does in his own is not."""

from __future__ import annotations

from ipcc.audit import Audit
from ipcc.bus import BEGINNING, Publisher, received_from
from ipcc.contracts.audit import ActDone
from ipcc.contracts.topics import AUDIT
from services.ctiserver.acts import About, told
from services.ctiserver.core.dialling import Target, TargetKind
from tests.component.ctiserver.floor import Floor
from tests.component.ctiserver.test_talks import Talk
from tests.component.ctiserver.test_together import supervised
from tests.support.until import until

TESTER = "tester"


async def acts(floor: Floor, count: int) -> list[ActDone]:
    """The acts told, once there are so many."""

    async def enough() -> list[ActDone]:
        async with floor.parts.bus(floor.settings()).replay(AUDIT.name, BEGINNING) as reader:
            found = [received_from(record).event.data async for record in reader]
        done = [act for act in found if isinstance(act, ActDone)]
        return done if len(done) >= count else []

    return await until(enough, what=f"{count} acts")


async def test_who_listened_to_whom_changed_took_over_is_audited_with_its_outcome(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        assert (await talk.do("supervise", talk.customer, {"mode": "listen"})).json()["code"] == "leg.wrong_role"
        boss = await supervised(floor, talk)
        await client.put(f"/v1/legs/{boss}/supervision", json={"mode": "whisper"})
        await talk.done("intercept", boss)
        # the call is his own now
        await client.post(f"/v1/calls/{talk.customer}/hang-up")
        found = await acts(floor, 4)
    call = {"call_id": talk.customer}
    whom = {"agent_id": "li", **call}
    by_act = {(act.act, act.outcome): (act.actor, act.kind, act.object_id, act.details) for act in found}
    assert by_act == {
        ("listen", "leg.wrong_role"): (TESTER, "leg", talk.customer, call),
        ("listen", "done"): (TESTER, "leg", talk.agent, whom),
        ("whisper", "done"): (TESTER, "leg", boss, whom),
        ("intercept", "done"): (TESTER, "leg", boss, whom),
    }


async def test_a_verb_on_another_agents_leg_is_audited_once_and_without_the_digits_of_a_number(floor: Floor) -> None:
    async with floor.ctiserver() as client:
        talk = Talk(floor, client)
        await talk.begin()
        for _ in range(2):
            again = {"Idempotency-Key": "one"}
            await client.post(f"/v1/legs/{talk.agent}/mute", headers=again)
        number = Target(kind=TargetKind.NUMBER, value="95500")
        await client.post(f"/v1/legs/{talk.agent}/transfer", json={"to": number.model_dump(mode="json")})
        await client.post(f"/v1/calls/{talk.customer}/hang-up")
        found = await acts(floor, 3)
    assert ("hang_up", "call", talk.customer, "done") in [(a.act, a.kind, a.object_id, a.outcome) for a in found]
    assert [act.act for act in found if act.act == "mute"] == ["mute"]
    assert next(act.details["to"] for act in found if act.act == "transfer") == "number"
    assert "95500" not in str(found)


async def test_what_an_agent_does_in_his_own_call_is_left_to_its_history(floor: Floor) -> None:
    clock = floor.parts.clock
    audit = Audit(Publisher(floor.parts.bus(floor.settings()), "test/0", clock), clock)
    async with told(audit, "li", "hold", About("leg", "a1", "li", "c1")):
        pass
    assert audit.problem() is None
    async with told(audit, "boss", "hold", About("leg", "a1", "li", "c1")):
        pass
    assert audit.problem() == "1 acts wait to be told"
