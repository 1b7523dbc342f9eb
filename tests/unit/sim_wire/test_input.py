"""Commands are found in the bytes however they were cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipcc.sim.esl_input import Command, Commands, TooLong
from tests.traces import recorded

_MANY = (
    b"api echo one\n\n\n\nbgapi echo two\nJob-UUID: own\n\nsendevent CUSTOM\nEvent-Subclass: a::b\nContent-Length: 7\n\na\n\nb: c"
    b"api echo crlf\r\n\r\nexit\n\n"
)
_FOUND = [
    Command("api echo one"),
    Command("bgapi echo two", (("Job-UUID", "own"),)),
    Command("sendevent CUSTOM", (("Event-Subclass", "a::b"), ("Content-Length", "7")), "a\n\nb: c"),
    Command("api echo crlf"),
    Command("exit"),
]


@given(cuts=st.lists(st.integers(0, len(_MANY)), max_size=20))
def test_commands_are_the_same_however_the_bytes_are_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(_MANY)]
    commands = Commands()
    found = [command for start, end in pairwise(places) for command in commands.feed(_MANY[start:end])]
    assert found == _FOUND


def test_a_command_without_end_is_refused_at_the_limit() -> None:
    commands = Commands(max_header_bytes=100)
    with pytest.raises(TooLong):
        list(commands.feed(b"api " + b"x" * 200))


def test_a_body_longer_than_the_limit_is_refused_before_it_is_read() -> None:
    commands = Commands(max_body_bytes=100)
    with pytest.raises(TooLong):
        list(commands.feed(b"sendmsg x\ncontent-length: 101\n\n"))


@pytest.mark.parametrize(("name", "conn"), recorded.all_connections(), ids=str)
def test_everything_recorded_clients_sent_is_understood_to_the_last_byte(name: str, conn: str) -> None:
    commands = Commands()
    for _ in commands.feed(recorded.bytes_out(name, conn)):
        pass
    assert bytes(commands._buffer).strip(b"\r\n") == b""
