"""The switch of the recordings: its dialplan, users, gateways, sounds and spool, as the simulator is set up to replay them."""

from pathlib import Path

from ipcc.sim.dialplan import parse_dialplan
from ipcc.sim.settings import EngineSettings, FaxPage, Gateway, Spool, User

FOLDER = Path(__file__).parent / "golden"
DOMAIN = "127.0.0.1"
STARTED_S = 1_795_396_374.2
"""When the recorded switch began, as Unix time: one process served all recordings."""

_SOUNDS_S = {
    "/var/golden/sounds/tone1s.wav": 1.0,
    "/var/golden/sounds/tone3s.wav": 3.0,
    "/var/golden/sounds/tone10s.wav": 10.0,
    "/var/golden/sounds/invalid.wav": 0.5,
    "/var/golden/sounds/moh/moh.wav": 20.0,
}
_FAXES = {"/var/golden/rec/tx.tif": (FaxPage(1728, 400, 3858, 19227),)}
# 10b: a folder of the kernel's, a file where a folder should be
_IMPOSSIBLE = ("/proc/", "/var/golden/rec/afile/")
# 18b: what record_session would make
_NO_FOLDER = "/var/golden/rec/nofolder/"


def settings() -> EngineSettings:
    """The settings of the recorded switch."""
    return EngineSettings(
        dialplan=parse_dialplan((FOLDER / "dialplan.xml").read_text(), variables={"hold_music": "local_stream://moh"}),
        users=tuple(_user(str(number)) for number in range(1000, 1030)),
        gateways=(Gateway("deadgw", "127.0.0.1:7999"), Gateway("carrier", "127.0.0.1:7080")),
        sounds=_SOUNDS_S.get,
        spool=_spool,
        faxes=lambda path: _FAXES.get(path, ()),
        profile_contexts={"external": "golden"},
        conference_controls={"0": "mute", "7": "event", "#": "hangup"},
        domain=DOMAIN,
        hostname="vm",
        address="127.0.0.1",
        phone_agent="golden-ua",
        sounds_dir="/srv/fs/share/freeswitch/sounds/en/us/callie",
    )


def _user(number: str) -> User:
    variables = {
        "user_context": "golden",
        "effective_caller_id_name": f"Agent {number}",
        "effective_caller_id_number": number,
    }
    return User(number, DOMAIN, variables)


def _spool(path: str) -> Spool:
    if path.startswith(_IMPOSSIBLE):
        return Spool.IMPOSSIBLE
    if path.startswith(_NO_FOLDER):
        return Spool.NO_FOLDER
    return Spool.FULL if path == "/dev/full" else Spool.WRITABLE
