"""What must not be heard: a supervisor who only listens, and a customer's password, by the other party or on the recording."""

from __future__ import annotations

from tests.live.bench import Bench, Recorded
from tests.live.people import Heard
from tests.live.talks import SUPERVISOR_HZ, Talk, as_supervisor, talking
from tests.live.telephone import sound
from tests.live.test_main_path import CARD, PIN
from tests.support.until import until

SECOND = 8000


async def for_seconds(talk: Talk, seconds: int) -> None:
    """So long, by the switch's clock."""
    began = int(await talk.bench.ear.api("strepoch"))

    async def is_over() -> bool:
        return int(await talk.bench.ear.api("strepoch")) - began > seconds

    await until(is_over, seconds + 5, f"{seconds} s")


def seconds_with(samples: list[int], hertz: int) -> list[int]:
    """The seconds of a recording in which a tone is heard."""
    return [n for n in range(len(samples) // SECOND) if sound.is_heard(samples[n * SECOND : (n + 1) * SECOND], hertz)]


async def test_a_supervisor_is_on_the_recording_only_once_he_can_be_heard(bench: Bench) -> None:
    async with talking(bench) as talk:
        boss = await as_supervisor(bench, "POST", talk.agent, "supervise", "listen")
        await for_seconds(talk, 2)
        await as_supervisor(bench, "PUT", boss["leg_id"], "supervision", "barge")
        await for_seconds(talk, 3)
        await as_supervisor(bench, "PUT", boss["leg_id"], "supervision", "listen")
        await for_seconds(talk, 2)
    kept = await bench.recording(talk.call)
    heard = sorted({*seconds_with(kept.left, SUPERVISOR_HZ), *seconds_with(kept.right, SUPERVISOR_HZ)})
    assert seconds_with(kept.left, bench.people.agent_hz)
    assert kept.seconds > 7
    # the simulated switch records the two parties and nobody else
    assert bool(heard) == (bench.name == "real")
    # he listened for two seconds at least before he spoke, and after
    assert all(2 <= second <= kept.seconds - 2 for second in heard), heard


async def test_a_password_asked_by_a_flow_is_heard_by_no_agent_and_on_no_recording(bench: Bench) -> None:
    async with talking(bench) as talk:
        line, phone = talk.call.line, talk.phone.lines[-1]
        await for_seconds(talk, 1)
        await talk.do("send-to-flow", body={"to": {"kind": "flow", "value": "verify"}})
        await bench.prompted(talk.call, "enter-any-number")
        await line.press(CARD + "#")
        await bench.prompted(talk.call, "enter-pin")

        async def hears_music() -> bool:
            return await phone.hear() is Heard.SOUND

        await until(hears_music, what="the agent hears music, not the customer")
        await line.press(PIN + "#")
        await talk.are_joined(talk.agent, talk.call.id)
        data = (await bench.get("ctiserver", f"/v1/calls/{talk.call.id}"))["data"]
        assert (data["verified"], data["card_tail"]) == ("yes", CARD[-4:])
        assert CARD not in str(data)
        await for_seconds(talk, 2)
    kept = await bench.recording(talk.call)
    silent = [n for n in range(int(kept.seconds)) if is_silent(kept, n)]
    # one span, between talk before and talk after; the keys alone took four seconds
    assert len(silent) >= 4, silent
    assert silent == list(range(silent[0], silent[-1] + 1))
    spoken = seconds_with(kept.right, bench.people.caller_hz)
    assert spoken[0] < silent[0] <= silent[-1] < spoken[-1]


def is_silent(kept: Recorded, second: int) -> bool:
    """Whether neither side has any sound in that second."""
    span = slice(second * SECOND, (second + 1) * SECOND)
    return not any(kept.left[span]) and not any(kept.right[span])
