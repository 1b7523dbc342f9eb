"""Whatever commands and people do, in whatever order: every channel lives and dies by the rules."""

from collections import Counter, defaultdict
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ipcc.sim.channels import Message
from ipcc.sim.engine import Engine
from tests.unit.sim.bench import Bench
from tests.unit.sim.test_applications import tasks

ACTIONS = (
    "call",
    "call_unanswered",
    "call_agent",
    "dial",
    "ring",
    "answer",
    "refuse",
    "progress",
    "bridge",
    "kill",
    "bye",
    "park_after",
    "play",
    "collect",
    "key",
    "record",
    "transfer",
    "park",
    "broadcast",
    "intercept",
    "sleep",
    "unregister",
    "register",
    "wait",
)
STEP = st.tuples(
    st.sampled_from(ACTIONS), st.integers(0, 5), st.integers(0, 5), st.sampled_from([0.0, 0.003, 0.02, 0.05, 0.4])
)


class World:
    """Turns drawn steps into things that happen to legs that exist."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.legs: list[str] = ["nobody"]
        self.count = 0

    def leg(self, index: int) -> str:
        return self.legs[index % len(self.legs)]

    def dial(self, target: str) -> None:
        self.count += 1
        leg = f"leg{self.count}"
        self.legs.append(leg)
        self.bench.engine.bgapi("originate", f"{{origination_uuid={leg},originate_timeout=3}}user/1001 {target}", "j")

    def do(self, action: str, first: int, second: int) -> None:
        engine, a, b = self.bench.engine, self.leg(first), self.leg(second)
        if action.startswith("call"):
            number = {"call": "9001", "call_unanswered": "9002", "call_agent": "91001"}[action]
            self.legs.append(self.bench.call(number))
        elif action in ("dial", "intercept"):
            self.dial("&park()" if action == "dial" else f"&intercept({a})")
        elif action in PHONES:
            PHONES[action](engine, a)
        elif action in COMMANDS:
            command, argument = COMMANDS[action]
            engine.api(command, argument.format(a=a, b=b))
        elif action in EXECUTES:
            engine.execute(a, Message("execute", *EXECUTES[action]))
        elif action == "unregister":
            engine.phones.unregister("1001")
        elif action == "register":
            engine.phones.register("1001", "127.0.0.1:6101")


PHONES: dict[str, Callable[[Engine, str], None]] = {
    "ring": lambda engine, uuid: engine.phones.ring(uuid),
    "answer": lambda engine, uuid: engine.phones.answer(uuid),
    "refuse": lambda engine, uuid: engine.phones.refuse(uuid, 486),
    "progress": lambda engine, uuid: engine.phones.progress(uuid),
    "bye": lambda engine, uuid: engine.phones.hang_up(uuid),
    "key": lambda engine, uuid: engine.phones.press(uuid, "5"),
}
COMMANDS = {
    "bridge": ("uuid_bridge", "{a} {b}"),
    "kill": ("uuid_kill", "{a}"),
    "park_after": ("uuid_setvar", "{a} park_after_bridge true"),
    "record": ("uuid_record", "{a} start /r/{a}.wav"),
    "transfer": ("uuid_transfer", "{a} 9001 XML test"),
    "park": ("uuid_park", "{a}"),
    "broadcast": ("uuid_broadcast", "{a} /s/one.wav both"),
}
EXECUTES = {
    "play": ("playback", "/s/one.wav"),
    "collect": ("play_and_get_digits", "1 4 2 500 # /s/half.wav /s/half.wav pin \\d 200"),
    "sleep": ("sleep", "100"),
}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEP, max_size=30))
def test_every_channel_is_created_once_ends_once_and_is_silent_after(steps: list[tuple[str, int, int, float]]) -> None:
    world = World()
    for action, first, second, wait in steps:
        world.do(action, first, second)
        world.bench.run(wait)
    world.bench.api("hupall")
    world.bench.run(5)
    check_lives(world.bench)
    assert not world.bench.engine.kernel.channels
    assert not tasks(world.bench)


def check_lives(bench: Bench) -> None:
    lives: dict[str, list[str]] = defaultdict(list)
    for event in bench.events():
        uuid = event.headers.get("Unique-ID")
        if uuid:
            lives[str(uuid)].append(event.name)
    for uuid, names in lives.items():
        count = Counter(names)
        for name in ("CHANNEL_CREATE", "CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            assert count[name] == 1, (uuid, name, names)
        assert count["CHANNEL_EXECUTE_COMPLETE"] == count["CHANNEL_EXECUTE"] - bridges(bench, uuid), (uuid, names)
        assert count["CHANNEL_BRIDGE"] == count["CHANNEL_UNBRIDGE"], (uuid, names)
        assert count["CHANNEL_PARK"] == count["CHANNEL_UNPARK"], (uuid, names)
        assert count["RECORD_START"] == count["RECORD_STOP"], (uuid, names)
        assert count["PLAYBACK_START"] == count["PLAYBACK_STOP"], (uuid, names)
        assert names.index("CHANNEL_HANGUP") < names.index("CHANNEL_HANGUP_COMPLETE") < names.index("CHANNEL_DESTROY")
        assert names[names.index("CHANNEL_DESTROY") + 1 :] == ["CHANNEL_STATE"]


def bridges(bench: Bench, uuid: str) -> int:
    """EXECUTE of uuid_bridge has no COMPLETE, as on the switch."""
    return sum(1 for event in bench.events(uuid, "CHANNEL_EXECUTE") if event.headers["Application"] == "uuid_bridge")
