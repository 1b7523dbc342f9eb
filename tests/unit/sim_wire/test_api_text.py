"""Answers of api commands that concern no channel are those the real switch gave."""

import pytest

from ipcc.sim import wire
from ipcc.sim.api_text import TextApi
from ipcc.sim.kernel import Kernel
from ipcc.sim.registrations import Registrar, Registration
from ipcc.sim.timeline import Timeline
from tests.traces import frames, golden, recorded
from tests.traces.rows import Legs

# answers that list what is loaded or running on that very machine
_OWN = (
    "help",
    "show modules",
    "sofia status",
    "sofia xmlstatus",
    "time_test",
    "status",
    "uptime ms",
    "callcenter_config",
)


def recorded_answers() -> list[tuple[str, str]]:
    """Each api command of the protocol recordings with its answer."""
    pairs: list[tuple[str, str]] = []
    for name in ("01a-auth-ok", "01g-commands", "01m-fsctl-pause"):
        lines = recorded.load(name)
        sent = [part for line in lines if line.direction == "out" for part in _apis(line.data)]
        answers = [frame.body for frame in frames.timed(lines) if frame.kind == "api/response"]
        pairs += list(zip(sent, map(wire.to_text, answers), strict=False)) if len(sent) == len(answers) else []
    return pairs


def _apis(data: bytes) -> list[str]:
    parts = data.decode("latin-1").replace("\r", "").split("\n\n")
    return [part.strip("\n")[4:] for part in parts if part[:4].lower() == "api " and "\n" not in part.strip("\n")]


def text_api() -> TextApi:
    timeline = Timeline(1_795_396_374.8)
    timeline.advance(1_795_396_583.5)
    kernel = Kernel(golden.settings(), timeline, Registrar())
    address = "127.0.0.1:6101"
    kernel.registrar.put(Registration("1001", "127.0.0.1", address, "internal", "c", "ua", 3600, 1_795_400_198.0))
    return TextApi(kernel)


def test_recorded_commands_in_their_order_get_the_recorded_answers() -> None:
    api, legs, compared = text_api(), Legs(), 0
    for text, expected in recorded_answers():
        command, _, argument = text.partition(" ")
        answer = api.answer(command, argument)
        if answer is None or text.startswith(_OWN):
            continue
        compared += 1
        assert legs.mask(answer or "-ERR no reply\n") == legs.mask(expected), text
    assert compared > 40


@pytest.mark.parametrize(
    ("command", "argument", "answer"),
    [
        ("md5", "abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("url_decode", "a%20b", "a b"),
        ("expr", "(1+2)*3/2", "4.5"),
        ("expr", "__import__('os')", "-ERR"),
        ("expr", "9**9**9", "-ERR"),
        ("cond", "5 > 10 ? yes : no", "no"),
        ("cond", "abc == abc ? yes : no", "yes"),
        ("acl", "10.1.2.3 rfc1918.auto", "true"),
        ("load", "mod_sofia", "+OK Reloading XML\n-ERR [Module already loaded]\n"),
        ("user_data", "1001@127.0.0.1 var effective_caller_id_name", "Agent 1001"),
        ("sofia", "status profile nosuch", "Invalid Profile!\n"),
    ],
)
def test_answers_that_were_not_recorded_follow_the_same_rules(command: str, argument: str, answer: str) -> None:
    assert text_api().answer(command, argument) == answer


def test_an_unloaded_module_is_gone_until_it_is_loaded_again() -> None:
    api = text_api()
    assert api.answer("unload", "mod_hash") == "+OK\n"
    assert api.answer("module_exists", "mod_hash") == "false"
    assert api.answer("load", "mod_hash") == "+OK Reloading XML\n+OK\n"
    assert api.answer("module_exists", "mod_hash") == "true"


def test_a_registered_phone_is_listed_as_the_sip_module_lists_it() -> None:
    answer = text_api().answer("sofia", "status profile internal reg")
    assert answer is not None
    assert 'Contact:    \t"" <sip:1001@127.0.0.1:6101>\n' in answer
    assert "Total items returned: 1\n" in answer


def test_a_channel_s_own_commands_are_left_to_the_engine() -> None:
    api = text_api()
    assert api.answer("uuid_kill", "x") is None
    assert api.answer("show", "channels as json") is None
    assert api.answer("eval", "uuid:x ${y}") is None
