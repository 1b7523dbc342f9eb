"""A call's life on the simulated switch: arriving, dialled, joined, ended."""

import pytest

from ipcc.sim.engine import InboundCall
from ipcc.sim.outputs import CallerAnswered, PhoneCancelled, PhoneHungUp
from tests.unit.sim.bench import Bench
from tests.unit.sim.test_applications import tasks

HANGUP = ["CHANNEL_CALLSTATE", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"]


def test_an_answered_call_tells_its_life_in_the_recorded_order() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.engine.phones.hang_up(uuid)
    bench.run(0.1)
    assert bench.names(uuid) == [
        "CHANNEL_CREATE",
        "CHANNEL_CALLSTATE",
        "CHANNEL_EXECUTE",
        "CHANNEL_PROGRESS_MEDIA",
        "CHANNEL_CALLSTATE",
        "CHANNEL_ANSWER",
        "CHANNEL_CALLSTATE",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_EXECUTE",
        "CHANNEL_PARK",
        "CHANNEL_HANGUP",
        "CHANNEL_UNPARK",
        "CHANNEL_EXECUTE_COMPLETE",
        *HANGUP,
    ]
    assert CallerAnswered(uuid) in bench.outputs
    complete = bench.one("CHANNEL_HANGUP_COMPLETE", uuid).headers
    assert complete["variable_sip_hangup_disposition"] == "recv_bye"
    assert complete["variable_billmsec"] == "100"


def test_the_answer_event_still_shows_the_call_state_before_it() -> None:
    bench = Bench()
    uuid = bench.call()
    answer = bench.one("CHANNEL_ANSWER", uuid).headers
    assert (answer["Answer-State"], answer["Channel-Call-State"]) == ("answered", "EARLY")


def test_a_caller_who_cancels_ends_with_originator_cancel() -> None:
    bench = Bench()
    uuid = bench.call("9002")
    bench.engine.phones.cancel(uuid)
    bench.run(0.1)
    complete = bench.one("CHANNEL_HANGUP_COMPLETE", uuid).headers
    assert complete["Hangup-Cause"] == "ORIGINATOR_CANCEL"
    assert complete["variable_sip_term_status"] == "487"


def test_a_number_nobody_knows_has_no_route() -> None:
    bench = Bench()
    uuid = bench.call("4711")
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Hangup-Cause"] == "NO_ROUTE_DESTINATION"
    refused = [output for output in bench.outputs if isinstance(output, PhoneHungUp)]
    assert [(output.uuid, output.sip_code) for output in refused] == [(uuid, 404)]


def test_a_killed_call_is_gone_for_commands_at_once() -> None:
    bench = Bench()
    uuid = bench.call()
    assert bench.api("uuid_kill", f"{uuid} CALL_REJECTED") == "+OK\n"
    assert bench.api("uuid_kill", uuid) == "-ERR No such channel!\n"
    assert bench.api("uuid_exists", uuid) == "false"
    bench.run(0.1)
    assert bench.one("CHANNEL_HANGUP_COMPLETE", uuid).headers["variable_hangup_cause_q850"] == "21"


def test_a_dialled_leg_tells_its_life_in_the_recorded_order() -> None:
    bench = Bench()
    bench.dial()
    bench.answered()
    assert bench.names("agent") == [
        "CHANNEL_OUTGOING",
        "CHANNEL_CREATE",
        "CHANNEL_ORIGINATE",
        "CHANNEL_PROGRESS",
        "CHANNEL_CALLSTATE",
        "CHANNEL_ANSWER",
        "CHANNEL_CALLSTATE",
        "CHANNEL_OUTGOING",
        "CHANNEL_EXECUTE",
        "CHANNEL_PARK",
    ]
    assert bench.job() == "+OK agent\n"
    invited = bench.invited()[0]
    assert (invited.user, invited.address, invited.uuid) == ("1001", "127.0.0.1:6101", "agent")


def test_the_job_of_an_answered_leg_comes_between_answer_and_application() -> None:
    bench = Bench()
    bench.dial()
    bench.answered()
    names = [
        event.name for event in bench.events() if event.name in ("CHANNEL_ANSWER", "BACKGROUND_JOB", "CHANNEL_PARK")
    ]
    assert names == ["CHANNEL_ANSWER", "BACKGROUND_JOB", "CHANNEL_PARK"]


@pytest.mark.parametrize(
    ("code", "cause"),
    [(486, "USER_BUSY"), (603, "CALL_REJECTED"), (480, "NO_USER_RESPONSE"), (404, "UNALLOCATED_NUMBER")],
)
def test_a_refusing_phone_gives_its_cause_to_the_job(code: int, cause: str) -> None:
    bench = Bench()
    bench.dial()
    bench.engine.phones.refuse("agent", code)
    bench.run(0.2)
    assert bench.job() == f"-ERR {cause}\n"
    complete = bench.one("CHANNEL_HANGUP_COMPLETE", "agent").headers
    assert complete["variable_sip_hangup_disposition"] == "recv_refuse"


@pytest.mark.parametrize(
    ("target", "cause"),
    [
        ("user/1002", "USER_NOT_REGISTERED"),
        ("user/8888", "SUBSCRIBER_ABSENT"),
        ("sofia/gateway/nosuch/1", "INVALID_GATEWAY"),
        ("error/USER_BUSY", "USER_BUSY"),
    ],
)
def test_a_destination_that_cannot_be_dialled_fails_at_once(target: str, cause: str) -> None:
    bench = Bench()
    bench.dial(f"{target} &park()")
    assert bench.job() == f"-ERR {cause}\n"
    assert not bench.invited()


def test_an_unknown_gateway_leaves_one_destroy_and_nothing_else() -> None:
    bench = Bench()
    bench.dial("sofia/gateway/nosuch/1 &park()")
    assert bench.names("agent") == ["CHANNEL_DESTROY"]


def test_a_uuid_in_use_is_refused_for_a_phone_and_replaced_for_loopback() -> None:
    bench = Bench()
    uuid = bench.call()
    bench.dial(uuid=uuid)
    assert bench.job(uuid) == "-ERR DESTINATION_OUT_OF_ORDER\n"
    bench.engine.bgapi("originate", f"{{origination_uuid={uuid}}}loopback/9001/test &park()", "job-loop")
    bench.run(0.2)
    replaced = bench.job("loop").removeprefix("+OK ").strip()
    assert replaced != uuid
    assert bench.api("uuid_exists", replaced) == "true"


def test_ringing_ends_by_the_seconds_of_the_clock() -> None:
    """originate_timeout=3 begun at .3 of a second fires 2.7 s later (fact 23)."""
    bench = Bench()
    bench.run(0.3)
    begun = bench.now
    bench.dial(originate_timeout="3")
    bench.engine.phones.ring("agent")
    bench.run(5)
    hangup = bench.one("CHANNEL_HANGUP", "agent").headers
    assert hangup["Hangup-Cause"] == "NO_ANSWER"
    assert int(str(hangup["Event-Date-Timestamp"])) / 1e6 - 1_795_396_600 - begun == pytest.approx(2.7, abs=0.03)
    assert any(isinstance(output, PhoneCancelled) for output in bench.outputs)


def test_a_blocking_originate_answers_with_its_ticket_when_the_leg_is_there() -> None:
    bench = Bench()
    pending = bench.engine.api("originate", "{origination_uuid=agent}user/1001 &park()")
    assert not isinstance(pending, str)
    bench.run(0.1)
    bench.answered()
    assert bench.done() == ["+OK agent\n"]


def test_early_media_ends_the_waiting_unless_it_is_ignored() -> None:
    bench = Bench()
    bench.dial(uuid="one")
    bench.engine.phones.progress("one")
    bench.run(0.1)
    assert bench.job("one") == "+OK one\n"
    bench.dial(uuid="two", ignore_early_media="true")
    bench.engine.phones.progress("two")
    bench.run(0.1)
    assert [event for event in bench.events(name="BACKGROUND_JOB") if event.headers["Job-UUID"] == "job-two"] == []


def test_the_leg_that_loses_the_race_is_cancelled_as_completed_elsewhere() -> None:
    bench = Bench()
    bench.engine.phones.register("1002", "127.0.0.1:6102")
    bench.engine.bgapi("originate", "[origination_uuid=a]user/1001,[origination_uuid=b]user/1002 &park()", "job-both")
    bench.run(0.1)
    bench.engine.phones.answer("b")
    bench.run(0.1)
    assert bench.job("both") == "+OK b\n"
    cancelled = next(output for output in bench.outputs if isinstance(output, PhoneCancelled))
    assert (cancelled.uuid, cancelled.cause) == ("a", "LOSE_RACE")
    assert "completed elsewhere" in cancelled.reason


def test_the_next_destination_is_tried_after_a_failure() -> None:
    bench = Bench()
    bench.engine.bgapi("originate", "error/USER_BUSY|[origination_uuid=b]user/1001 &park()", "job-next")
    bench.run(0.1)
    bench.answered("b")
    assert bench.job("next") == "+OK b\n"


def test_a_joined_pair_ends_together_when_the_agent_leaves() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.forget()
    bench.engine.phones.hang_up("agent")
    bench.run(0.2)
    told = [(event.name, event.headers["Unique-ID"]) for event in bench.events() if event.name in HANGUP_EVENTS]
    assert told == [
        ("CHANNEL_HANGUP", "agent"),
        ("CHANNEL_HANGUP_COMPLETE", "agent"),
        ("CHANNEL_UNBRIDGE", caller),
        ("CHANNEL_HANGUP", caller),
        ("CHANNEL_HANGUP_COMPLETE", caller),
        ("CHANNEL_DESTROY", caller),
        ("CHANNEL_DESTROY", "agent"),
    ]


HANGUP_EVENTS = ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_UNBRIDGE", "CHANNEL_DESTROY")


def test_a_joined_pair_ends_together_when_the_caller_leaves() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.forget()
    bench.engine.phones.hang_up(caller)
    bench.run(0.2)
    told = [(event.name, event.headers["Unique-ID"]) for event in bench.events() if event.name in HANGUP_EVENTS[:3]]
    assert told == [
        ("CHANNEL_HANGUP", caller),
        ("CHANNEL_HANGUP", "agent"),
        ("CHANNEL_UNBRIDGE", caller),
        ("CHANNEL_HANGUP_COMPLETE", caller),
        ("CHANNEL_HANGUP_COMPLETE", "agent"),
    ]


def test_a_caller_told_to_park_after_the_bridge_comes_back() -> None:
    bench = Bench()
    caller = bench.bridged()
    bench.api("uuid_setvar", f"{caller} park_after_bridge true")
    bench.engine.phones.hang_up("agent")
    bench.run(0.2)
    assert bench.events(caller, "CHANNEL_PARK")[-1].headers["Channel-State"] == "CS_PARK"
    assert bench.api("uuid_exists", caller) == "true"


def test_the_bridge_comes_forty_to_sixty_milliseconds_after_its_ok() -> None:
    bench = Bench()
    caller = bench.call()
    bench.dial()
    bench.answered()
    bench.forget()
    asked = bench.now
    bench.api("uuid_bridge", f"{caller} agent")
    bench.run(0.03)
    assert not bench.events(name="CHANNEL_BRIDGE")
    bench.run(0.03)
    bridge = bench.one("CHANNEL_BRIDGE").headers
    assert (bridge["Unique-ID"], bridge["Bridge-B-Unique-ID"]) == (caller, "agent")
    assert 0.03 < bench.now - asked < 0.07


def test_a_caller_who_hangs_up_during_the_bridge_leaves_a_ghost_leg() -> None:
    bench = Bench()
    caller = bench.call()
    bench.dial()
    bench.answered()
    assert bench.api("uuid_bridge", f"{caller} agent") == "+OK agent\n"
    bench.run(0.015)
    bench.engine.phones.hang_up(caller)
    bench.run(25)
    assert not bench.events(name="CHANNEL_BRIDGE")
    assert bench.names("agent")[-2:] == ["CHANNEL_UNPARK", "CHANNEL_EXECUTE_COMPLETE"]
    assert '"callstate":"ACTIVE"' in bench.api("show", "channels as json")
    assert bench.api("uuid_kill", "agent") == "+OK\n"
    bench.run(0.1)
    assert bench.names("agent")[-1] == "CHANNEL_DESTROY"


def test_bridging_to_a_leg_that_is_gone_is_refused() -> None:
    bench = Bench()
    caller = bench.call()
    assert bench.api("uuid_bridge", f"{caller} nobody") == "-ERR Invalid uuid\n"


def test_interception_makes_the_agent_the_owner_of_the_bridge() -> None:
    bench = Bench()
    caller = bench.call()
    bench.dial(f"user/1001 &intercept({caller})")
    bench.answered()
    bench.run(0.1)
    assert bench.one("CHANNEL_BRIDGE").headers["Bridge-A-Unique-ID"] == "agent"


def test_a_dialplan_bridge_passes_the_partners_cause_on() -> None:
    bench = Bench()
    uuid = bench.call("91001")
    leg = bench.invited()[0].uuid
    bench.engine.phones.refuse(leg, 486)
    bench.run(0.1)
    assert bench.one("CHANNEL_HANGUP", uuid).headers["Hangup-Cause"] == "USER_BUSY"


def test_a_caller_who_cancels_takes_the_ringing_leg_with_him() -> None:
    bench = Bench()
    uuid = bench.call("91001")
    leg = bench.invited()[0].uuid
    bench.engine.phones.ring(leg)
    bench.run(0.1)
    bench.engine.phones.cancel(uuid)
    bench.run(0.1)
    assert bench.one("CHANNEL_HANGUP", leg).headers["Hangup-Cause"] == "ORIGINATOR_CANCEL"


def test_a_paused_switch_refuses_calls_and_legs() -> None:
    bench = Bench()
    assert bench.api("fsctl", "pause") == "+OK\n"
    assert bench.engine.phones.invite(InboundCall("13800000001", "9001", context="test")) is None
    bench.dial()
    assert bench.job() == "-ERR DESTINATION_OUT_OF_ORDER\n"


def test_a_hostile_display_name_stays_one_value() -> None:
    bench = Bench()
    uuid = bench.call(name='Eve%0AEvent-Name: X "q" 王芳 ${uuid}')
    create = bench.one("CHANNEL_CREATE", uuid).headers
    assert create["Caller-Caller-ID-Name"] == 'Eve\nEvent-Name: X "q" 王芳 %{uuid}'
    assert create["Event-Name"] == "CHANNEL_CREATE"
    assert bench.api("uuid_getvar", f"{uuid} caller_id_name") == 'Eve\nEvent-Name: X "q" 王芳 %{uuid}'


def test_hupall_leaves_nothing_behind() -> None:
    bench = Bench()
    bench.bridged()
    bench.call("9500")
    assert bench.api("hupall") == "+OK hangup all channels with cause MANAGER_REQUEST\n"
    bench.run(0.2)
    assert bench.api("show", "channels as json") == '{"row_count": 0}\n'
    assert not tasks(bench)


def test_a_jittering_switch_still_joins_and_tells_the_same_story_for_the_same_seed() -> None:
    def story(seed: int) -> list[tuple[str, object]]:
        bench = Bench(jitter=True, seed=seed)
        bench.bridged()
        return [(event.name, event.headers.get("Unique-ID")) for event in bench.events()]

    assert story(3) == story(3)
    for seed in range(8):
        assert "CHANNEL_BRIDGE" in [name for name, _ in story(seed)]


def test_an_answered_leg_that_asks_for_a_key_counts_once_the_right_one_was_pressed() -> None:
    """Measured on a real switch: ANSWER at the answer with the variable on it, the job at the key, the variable gone."""
    bench = Bench()
    bench.dial("sofia/gateway/carrier/13900000001 &park()", group_confirm_key="1")
    bench.answered()
    assert bench.events("agent", "CHANNEL_ANSWER")
    assert bench.events("agent", "CHANNEL_ANSWER")[0].headers["variable_group_confirm_key"] == "1"
    bench.engine.phones.press("agent", "2")
    bench.run(0.5)
    assert not bench.events(name="BACKGROUND_JOB")
    bench.engine.phones.press("agent", "1")
    bench.run(0.5)
    assert bench.events(name="BACKGROUND_JOB")
    assert bench.events("agent", "CHANNEL_PARK")
    assert bench.api("uuid_getvar", "agent group_confirm_key") == "_undef_"


def test_an_answered_leg_whose_key_nobody_presses_ends_with_the_time_of_its_dialling() -> None:
    bench = Bench()
    bench.dial("sofia/gateway/carrier/13900000001 &park()", group_confirm_key="1", originate_timeout="8")
    bench.answered()
    bench.run(9)
    assert [event.headers["Hangup-Cause"] for event in bench.events("agent", "CHANNEL_HANGUP")] == ["NO_ANSWER"]
    assert not bench.events("agent", "CHANNEL_PARK")
