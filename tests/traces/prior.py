"""What had happened on the recorded switch before a recording began and still counted in it."""

from tests.traces.actions import Action, Called, Flushed, Registered

_FIRST_REGISTRATION = Registered(-44.0, "1001", "127.0.0.1:6101", 3600, "b20611ad1ee95414")
"""Of a phone that was gone by then; the switch kept the Call-ID of this first one as its token (01a, 01i)."""

_PARKED = Called(
    at_s=-44.7,
    phone="13800000001",
    call_id="before",
    number="13800000001",
    name="",
    dialled="9001",
    port=5080,
    address="127.0.0.1:6100",
    uuid="59daa4ee-9a67-492b-ac89-0debadad622e",
    is_refused=False,
)
"""A caller parked since before 01a (its ``show channels``)."""

_UNREACHABLE = Registered(-116.25, "1009", "127.0.0.1:6151", 60, "dead-phone")
"""Of a phone of an earlier recording; it expires during 07b."""

_FLUSHED = (Registered(-400.0, "1003", "127.0.0.1:6103", 3600, "b2232a6a4d12cb21"), Flushed(-390.0, "1003"))
_SECOND = Registered(-260.0, "1002", "127.0.0.1:6102", 3600, "0de171768b31f9f0")
_OF_02B = Registered(-3.0, "1009", "127.0.0.1:6151", 10, "1-19942@127.0.0.1", "sipp-golden", "127.0.0.1:5061")
_FLUSHED_IN_02C = (Registered(-205.0, "1003", "127.0.0.1:6103", 3600, "1c1f9f54d42f7416"), Flushed(-204.0, "1003"))

_BEFORE: dict[str, tuple[Action, ...]] = {
    "01a-auth-ok": (_PARKED, _FIRST_REGISTRATION),
    "01g-commands": (_FIRST_REGISTRATION,),
    "01i-calls-json": (_FIRST_REGISTRATION,),
    "02a-register-unregister": (*_FLUSHED, _SECOND),
    "02b-register-expire": _FLUSHED_IN_02C,
    "02c-register-failures": (*_FLUSHED, _SECOND, _OF_02B),
    "07b-reinvite-hold": (_UNREACHABLE,),
}

MEMBERS = {"11a-conference": 8, "11b-conference-bridge-uuid": 12}
"""How many had been in conferences before: their ids count through."""


def before(name: str) -> tuple[Action, ...]:
    """The actions to play first, at negative times."""
    return _BEFORE.get(name, ())
