"""A simulated switch on a test bench: time moves only when told, everything that came out is kept."""

from __future__ import annotations

from collections.abc import Iterable

from ipcc.sim.dialplan import parse_dialplan
from ipcc.sim.engine import Engine, InboundCall
from ipcc.sim.outputs import ApiDone, Output, PhoneInvited, SimEvent
from ipcc.sim.settings import EngineSettings, FaxPage, Gateway, Spool, User

START = 1_795_396_600.0
DIALPLAN = """
<include><context name="test">
  <extension name="parked"><condition field="destination_number" expression="^9001$">
    <action application="answer"/><action application="park"/>
  </condition></extension>
  <extension name="unanswered"><condition field="destination_number" expression="^9002$">
    <action application="park"/>
  </condition></extension>
  <extension name="dial"><condition field="destination_number" expression="^9(1\\d\\d\\d)$">
    <action application="bridge" data="user/$1"/>
  </condition></extension>
  <extension name="net"><condition field="destination_number" expression="^9500$">
    <action application="set" data="ipcc_call_id=${uuid}"/>
    <action application="sched_transfer" data="+5 fallback XML test"/>
    <action application="park"/>
  </condition></extension>
  <extension name="fallback"><condition field="destination_number" expression="^fallback$">
    <action application="answer"/><action application="playback" data="/s/one.wav"/><action application="hangup" data="USER_BUSY"/>
  </condition></extension>
</context></include>
"""
SOUNDS_S = {"/s/one.wav": 1.0, "/s/half.wav": 0.5, "/s/ten.wav": 10.0}
_PAGE = FaxPage(1728, 2292, 7700, 18000)
FAXES = {"/f/one.tif": (_PAGE,), "/f/two.tif": (_PAGE, _PAGE)}
QUIET = frozenset({"CHANNEL_STATE", "CODEC", "API", "HEARTBEAT", "RE_SCHEDULE"})


def spool(path: str) -> Spool:
    if path.startswith("/proc/"):
        return Spool.IMPOSSIBLE
    if path.startswith("/nofolder/"):
        return Spool.NO_FOLDER
    return Spool.FULL if path.startswith("/full/") else Spool.WRITABLE


class Bench:
    """One engine and what it said."""

    def __init__(
        self, dialplan: str = DIALPLAN, *, jitter: bool = False, seed: int = 1, fax_asks_for_t38: bool = False
    ) -> None:
        self.engine = Engine(
            EngineSettings(
                dialplan=parse_dialplan(dialplan),
                users=tuple(User(str(number), "127.0.0.1") for number in (1001, 1002, 1003)),
                gateways=(Gateway("carrier", "127.0.0.1:7080"),),
                sounds=SOUNDS_S.get,
                spool=spool,
                faxes=lambda path: FAXES.get(path, ()),
                fax_asks_for_t38=fax_asks_for_t38,
                profile_contexts={"external": "test"},
                jitter=jitter,
                seed=seed,
            ),
            START,
        )
        self.outputs: list[Output] = []
        self.engine.phones.register("1001", "127.0.0.1:6101")

    @property
    def now(self) -> float:
        """Seconds since the bench was set up."""
        return self.engine.kernel.now - START

    def run(self, seconds: float) -> None:
        """Let time pass, one due thing after the other."""
        end = self.engine.kernel.now + seconds
        while (due := self.engine.next_due()) is not None and due <= end:
            self.engine.advance(due)
            self.outputs += self.engine.take()
        self.engine.advance(end)
        self.outputs += self.engine.take()

    def call(self, dialled: str = "9001", number: str = "13800000001", name: str = "") -> str:
        """A caller's call, some frames old."""
        uuid = self.engine.phones.invite(InboundCall(number, dialled, name, context="test"))
        assert uuid is not None
        self.run(0.1)
        return uuid

    def api(self, command: str, argument: str = "") -> str:
        text = self.engine.api(command, argument)
        assert isinstance(text, str)
        return text

    def dial(self, target: str = "user/1001 &park()", uuid: str = "agent", **variables: str) -> None:
        """A leg dialled in the background, ringing."""
        given = "".join(f",{name}={value}" for name, value in variables.items())
        self.engine.bgapi("originate", f"{{origination_uuid={uuid}{given}}}{target}", f"job-{uuid}")
        self.run(0.1)

    def answered(self, uuid: str = "agent") -> None:
        """That leg's phone rings and is answered."""
        self.engine.phones.ring(uuid)
        self.run(0.1)
        self.engine.phones.answer(uuid)
        self.run(0.1)

    def bridged(self) -> str:
        """A caller talking to an agent; the caller's uuid."""
        caller = self.call()
        self.dial()
        self.answered()
        assert self.api("uuid_bridge", f"{caller} agent") == "+OK agent\n"
        self.run(0.2)
        return caller

    # --- what came out -------------------------------------------------------------------------------------------

    def events(self, uuid: str | None = None, name: str = "") -> list[SimEvent]:
        return [
            output
            for output in self.outputs
            if isinstance(output, SimEvent)
            and (uuid is None or output.headers.get("Unique-ID") == uuid)
            and (not name or output.name == name)
        ]

    def names(self, uuid: str, without: Iterable[str] = QUIET) -> list[str]:
        return [event.name for event in self.events(uuid) if event.name not in without]

    def one(self, name: str, uuid: str | None = None) -> SimEvent:
        found = self.events(uuid, name)
        assert len(found) == 1, f"{len(found)} of {name}"
        return found[0]

    def job(self, uuid: str = "agent") -> str:
        """What the background job said."""
        found = [event for event in self.events(name="BACKGROUND_JOB") if event.headers["Job-UUID"] == f"job-{uuid}"]
        assert len(found) == 1
        assert found[0].body is not None
        return found[0].body

    def done(self) -> list[str]:
        return [output.text for output in self.outputs if isinstance(output, ApiDone)]

    def invited(self) -> list[PhoneInvited]:
        return [output for output in self.outputs if isinstance(output, PhoneInvited)]

    def forget(self) -> None:
        self.outputs.clear()
