"""A nailed-up line: rung once, joined to one contact after the other, and left standing; when it drops, he takes no more."""

from __future__ import annotations

from ipcc.bus.events import received_from
from ipcc.bus.port import BEGINNING
from ipcc.contracts.call import CallArrived, LegEnded, LegStarted
from ipcc.contracts.payload import Payload
from ipcc.contracts.tags import LegRole
from ipcc.contracts.topics import CALL
from ipcc.sim.people import PhoneScript
from tests.live.bench import Bench
from tests.live.people import Phone
from tests.live.talks import THIRD
from tests.support.until import until

AGENT = "1001"


async def test_contacts_are_joined_to_a_standing_line_one_after_the_other(bench: Bench) -> None:
    phone = await bench.agent(AGENT, PhoneScript(AGENT, answer_after_s=0.2), ready=False)
    third = await bench.people.phone(THIRD)
    third.behave(PhoneScript(THIRD, answer_after_s=0.3))
    await third.register()
    await bench.post("ctiserver", f"/v1/agents/{AGENT}/line", {"ready": False})
    await bench.post("ctiserver", f"/v1/agents/{AGENT}/ready")
    await bench.until_state(AGENT, "ready")

    async def stands_alone() -> bool:
        return len(await bench.ear.channels()) == 1

    assert await stands_alone()
    for number in range(2):
        call = await bench.call_for_agent()
        await bench.until_state(AGENT, "talking")
        if number:
            await _put_on_hold_and_consult(bench, call.id)
            await _dialled_meanwhile_by(bench, third, call.id)
        await call.line.hang_up()
        await until(stands_alone, what="the line stands alone")
        found = await bench.journey(call)
        assert [offer["outcome"] for offer in found["offers"]] == ["answered"]
        assert (await bench.recording(call)).seconds > 0
        await bench.try_post("ctiserver", f"/v1/agents/{AGENT}/wrap-up/end", {"code": "done"})
        await bench.until_state(AGENT, "ready")
    await _dial_out(bench, third)
    await until(stands_alone, what="the line stands alone after what he dialled")
    told = await facts(bench)
    # of the callers, the colleague, and what he dialled; neither the line nor what joins it to a contact is a party of any call
    assert sum(isinstance(one, CallArrived) for one in told) == 4, [
        one for one in told if not isinstance(one, CallArrived)
    ]
    assert {one.role for one in told if isinstance(one, LegStarted)} == {
        LegRole.CUSTOMER,
        LegRole.AGENT,
        LegRole.CONSULT,
    }
    assert not [one for one in told if isinstance(one, LegEnded) and one.cause == "PICKED_OFF"]
    # he was rung once, for the line itself
    assert len(phone.lines) == 1
    assert not (await bench.get("ctiserver", "/v1/calls"))["items"]
    await phone.lines[0].hang_up()
    await bench.until_state(AGENT, "not_ready")
    assert (await bench.get("ctiserver", f"/v1/agents/{AGENT}"))["reason"] == "line_lost"
    await bench.until_empty()


async def facts(bench: Bench) -> list[Payload]:
    """Everything told of calls."""
    suite = bench.suite
    assert suite
    settings = next(service.settings for service in suite.services if service.name == "ctiserver")
    async with suite.parts.bus(settings).replay(CALL.name, BEGINNING) as reader:
        return [received_from(record).event.data async for record in reader]


async def _put_on_hold_and_consult(bench: Bench, call_id: str) -> None:
    legs = (await bench.get("ctiserver", f"/v1/calls/{call_id}"))["legs"]
    leg = next(one["leg_id"] for one in legs if one["agent_id"] == AGENT and not one["ended_at"])
    for verb in ("hold", "retrieve"):
        await bench.post("ctiserver", f"/v1/legs/{leg}/{verb}")
    await bench.post("ctiserver", f"/v1/legs/{leg}/consult", {"to": {"kind": "phone", "value": THIRD}})

    async def is_answered() -> bool:
        now = (await bench.get("ctiserver", f"/v1/calls/{call_id}"))["legs"]
        return any(one["address"] == THIRD and one["answered_at"] for one in now)

    await until(is_answered, what="the third answers")
    await bench.post("ctiserver", f"/v1/legs/{leg}/cancel")


async def _dial_out(bench: Bench, third: Phone) -> None:
    """He dials from his line, is answered, and the other hangs up."""
    before = len(third.lines)
    await bench.post("ctiserver", f"/v1/agents/{AGENT}/dial", {"to": {"kind": "phone", "value": THIRD}})
    await until(lambda: len(third.lines) > before, what="the third's phone rings")

    async def are_joined() -> bool:
        calls = (await bench.get("ctiserver", "/v1/calls"))["items"]
        return sum(bool(leg["bridged_to"]) for call in calls for leg in call["legs"]) == 2

    await until(are_joined, what="they talk")
    await third.lines[before].hang_up()


async def _dialled_meanwhile_by(bench: Bench, third: Phone, call_id: str) -> None:
    """Whom he talks to keeps him: a colleague who dials him is turned away."""
    before = len(third.lines)
    await bench.post("ctiserver", f"/v1/agents/{THIRD}/dial", {"to": {"kind": "agent", "value": AGENT}})
    await until(lambda: len(third.lines) > before, what="the colleague's phone rings")

    async def is_turned_away() -> bool:
        return len((await bench.get("ctiserver", "/v1/calls"))["items"]) == 1

    await until(is_turned_away, what="the colleague is turned away")
    legs = (await bench.get("ctiserver", f"/v1/calls/{call_id}"))["legs"]
    joined = [one for one in legs if not one["ended_at"] and one["bridged_to"]]
    assert len(joined) == 2, legs


async def test_a_line_is_made_once_and_hung_up_when_asked(bench: Bench) -> None:
    await bench.agent(AGENT, PhoneScript(AGENT, answer_after_s=0.2), ready=False)
    assert bench.suite
    url = f"{bench.suite.urls['ctiserver']}/v1/agents/{AGENT}/line"
    assert (await bench.client.delete(url)).json()["code"] == "line.none"
    await bench.post("ctiserver", f"/v1/agents/{AGENT}/line", {"ready": False})
    await bench.until_state(AGENT, "not_ready")
    again = await bench.try_post("ctiserver", f"/v1/agents/{AGENT}/line", {"ready": False})
    assert (again.status_code, again.json()["code"]) == (409, "line.stands")
    assert (await bench.client.delete(url)).status_code == 204
    await bench.until_empty()
