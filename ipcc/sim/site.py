"""A simulated switch set up from the product's own configuration folder, so that both switches run the same dialplan."""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from ipcc.errors import Invalid
from ipcc.sim.dialplan import Dialplan, DialplanError, parse_dialplan
from ipcc.sim.media import faxes_on_disk, spool_on_disk
from ipcc.sim.settings import EngineSettings, Gateway, User

# how fast the voice reads; only used while no recorded or generated prompt file is there
CHINESE_S = 0.22
ENGLISH_S = 0.065
LEAST_S = 0.3
SPOOL_FOLDERS = ("recordings", "messages", "utterances", "fax", "fax/out")


@dataclass(frozen=True)
class Site:
    """Where the simulated switch finds what it is configured with. ``phones`` are the users that may register."""

    conf: Path
    prompts: Path
    spool: Path
    sounds: Path
    phones: tuple[str, ...] = tuple(str(number) for number in range(1001, 1021))


def engine_settings(site: Site) -> EngineSettings:
    """The engine's settings. Raises Invalid naming the file that is missing or wrong."""
    dialplan = _dialplan(site)
    values = dialplan.variables
    domain = values.get("domain", "ipcc.local")
    return EngineSettings(
        dialplan=dialplan,
        users=tuple(
            User(phone, domain, {"ipcc_phone": phone, "user_context": "phones", "force_transfer_context": "transfers"})
            for phone in site.phones
        ),
        gateways=(Gateway(values["ipcc_trunk_name"], values["ipcc_trunk_proxy"], "trunks"),),
        sounds=_sounds(site),
        spool=spool_on_disk(),
        faxes=faxes_on_disk(),
        fax_asks_for_t38=_asks_for_t38(site),
        domain=domain,
        hostname="sim",
        sounds_dir=str(site.sounds / "zh"),
        profile_ports={name: int(values[f"ipcc_{name}_port"]) for name in ("phones", "trunks", "nodes")},
        profile_contexts={"nodes": "nodes"},
        phone_profile="phones",
        heartbeat_s=2.0,
    )


def make_spool(site: Site) -> None:
    """Make the folders of the spool, as ``freeswitch/scripts/install`` does: the record application makes none."""
    for name in SPOOL_FOLDERS:
        (site.spool / name).mkdir(parents=True, exist_ok=True)


def _asks_for_t38(site: Site) -> bool:
    path = site.conf / "autoload_configs" / "spandsp.conf.xml"
    return path.is_file() and '"enable-t38-request" value="true"' in path.read_text(encoding="utf-8")


def trunk(site: Site) -> str:
    """The name of the trunk that simulated customers call by; the switch's directory gives it to their legs."""
    return _dialplan(site).variables["ipcc_trunk_name"]


def _dialplan(site: Site) -> Dialplan:
    try:
        root = (site.conf / "vars.xml").read_text(encoding="utf-8")
        parts = sorted((site.conf / "dialplan").glob("*.xml"))
        text = "\n".join([root, *(part.read_text(encoding="utf-8") for part in parts)])
    except OSError as error:
        raise Invalid(
            "sim.conf", f"cannot read the switch's configuration: {error.strerror}: {error.filename}"
        ) from error
    if not parts:
        raise Invalid("sim.conf", f"there is no dialplan (*.xml) in {site.conf / 'dialplan'}")
    own = f'<X-PRE-PROCESS cmd="set" data="ipcc_spool={site.spool}"/><X-PRE-PROCESS cmd="set" data="ipcc_sounds={site.sounds}"/>'
    try:
        found = parse_dialplan(text, {"site.xml": own})
    except DialplanError as error:
        raise Invalid("sim.conf", f"{site.conf / 'dialplan'}: {error}") from error
    return replace(found, variables={**found.variables, "sound_prefix": str(site.sounds / "zh")})


def _sounds(site: Site) -> Callable[[str], float | None]:
    try:
        listed = yaml.safe_load(site.prompts.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise Invalid("sim.prompts", f"{site.prompts}: {error}") from error
    texts = {entry["id"]: entry for entry in listed}

    def seconds(path: str) -> float | None:
        """How long the file plays: as it is, or as long as its text would take to say."""
        file = Path(path)
        if file.suffix == ".wav" and file.is_file():
            return _length(file)
        if not file.is_relative_to(site.sounds):
            return None
        language, _, name = str(file.relative_to(site.sounds)).partition("/")
        entry = texts.get(name.removesuffix(".wav"))
        if entry is None or language not in ("zh", "en"):
            return None
        each = CHINESE_S if language == "zh" else ENGLISH_S
        return max(LEAST_S, len(entry[language]) * each)

    return seconds


def _length(file: Path) -> float | None:
    try:
        with wave.open(str(file), "rb") as sound:
            return sound.getnframes() / sound.getframerate()
    except (wave.Error, EOFError, OSError):
        return None
