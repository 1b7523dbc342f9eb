"""What ivr is told."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from ipcc.contracts.config import DialRule
from ipcc.order_settings import OrderSettings
from ipcc.settings import PORTS


class IvrSettings(OrderSettings):
    """Settings of the voice-response server."""

    service: ClassVar[str] = "ivr"

    http_port: int = Field(PORTS["ivr"], ge=0, le=65535, description="Port of the REST API; 0 takes any free port.")
    flows_dir: Path = Field(
        Path("flows"), description="Folder of the published flow documents, one JSON file a version."
    )
    flows_from_files: bool = Field(
        False, description="Serve the flow files alone: nothing is published over REST, and no database is needed."
    )
    flows_look_s: float = Field(
        1.0, ge=0.1, le=3600, description="How often a replica looks for what was published, in seconds."
    )
    sounds_dir: str = Field(
        "/usr/share/ipcc/sounds",
        description="Folder of the prompts as the switch sees it; below it <language>/<prompt>.wav.",
    )
    bank_timeout_s: float = Field(
        4.0, gt=0, le=30, description="How long one question to the bank core may take, in seconds."
    )
    bank_timeouts_s: dict[str, Annotated[float, Field(gt=0, le=60)]] = Field(
        default_factory=dict,
        description='The same for single operations, in seconds, such as {"transfer": 8}.',
    )
    bank_failures: int = Field(
        5, ge=1, le=1000, description="An operation that failed so often in a row is not asked for a while."
    )
    bank_pause_s: float = Field(
        10.0,
        ge=0.1,
        le=600,
        description="How long such an operation is left alone before one caller tries it, in seconds.",
    )
    prompts_file: Path = Field(
        Path("freeswitch/sounds/prompts.yaml"),
        description="List of the prompts there are; a flow that names another is refused. Not checked where there is no such file.",
    )
    http_services: dict[str, str] = Field(
        default_factory=dict,
        description='Other systems flows may ask, by name, such as {"points": "https://points.bank.example"}.',
    )
    trunk_gateway: str = Field(
        "demo", pattern=r"^[A-Za-z0-9_.-]{1,40}$", description="Trunk by which flows reach numbers outside."
    )
    tts_command: tuple[str, ...] = Field(
        ("espeak-ng", "-v", "{voice}", "-w", "{file}", "--stdin"),
        description="Text-to-speech program as a JSON list: {voice} and {file} (WAV) are filled in, the text comes on its standard "
        "input. Empty: texts cannot be said.",
    )
    tts_voices: dict[str, str] = Field(
        default_factory=lambda: {"zh": "cmn-latn-pinyin", "en": "en-us"},
        description="The program's voice by language. One whose name ends with latn-pinyin is given Chinese in pinyin.",
    )
    voice_folders: tuple[Path, ...] = Field(
        (),
        description="Sounds folders of the switch nodes as ivr sees them, as a JSON list: where published sounds are brought to. "
        "Empty: sounds_dir alone, for a switch on the same machine or a folder all share.",
    )
    recogniser_url: str = Field(
        "",
        pattern=r"^(wss?://[^\s/?#@]+[^\s?#]*)?$",
        description="WebSocket address of the speech recogniser, which talks as vosk-server does; {language} is filled in, such as "
        "ws://asr.bank.example:2700/{language}. Empty: nodes that listen go their way for that, to keys.",
    )
    recogniser_timeout_s: float = Field(
        4.0, gt=0, le=30, description="How long the recogniser may take for what one caller said, in seconds."
    )
    recogniser_takes_phrases: bool = Field(
        False,
        description="Send the phrases a node knows as phrase_list. An engine that hears nothing but these is surer of them; not for "
        "models without runtime graphs or with another division of Chinese into words.",
    )
    fax_font: Path | None = Field(
        None,
        description="TrueType or OpenType font faxes are written in; for Chinese one that has it. Empty: Noto Sans CJK, WenQuanYi or "
        "Droid Fallback where the distribution puts them (Debian: fonts-noto-cjk, fonts-wqy-microhei); without any, Latin letters "
        "only, and health says so.",
    )
    fax_caller_number: str = Field(
        "",
        pattern=r"^\+?[0-9]{0,20}$",
        description="Number shown to a fax machine that is called; the trunk's own if empty.",
    )
    fax_deadline_s: int = Field(
        1800,
        ge=60,
        le=14400,
        description="How long after its order a fax to a number may still be tried, in seconds; until it is over the paper lies in "
        "the spool.",
    )
    fax_most_a_call: int = Field(
        5,
        ge=1,
        le=100,
        description="Faxes to numbers one caller may order in one call; each is a call the bank pays for.",
    )
    dial_rules: tuple[DialRule, ...] = Field(
        (
            DialRule(name="landline", reach="long_distance", pattern=r"0[1-9]\d{8,10}"),
            DialRule(name="local", pattern=r"[2-8]\d{6,7}"),
        ),
        description="Numbers callers may have a fax sent to while no dial_plan is administered for the bank's first unit, as a "
        "JSON list like that of ctiserver. Emergency numbers and phones of the house never get one.",
    )
    safety_net_s: int = Field(
        180,
        ge=30,
        le=3600,
        description="How far ahead the switch's transfer to the fallback is pushed while ivr lives, in seconds.",
    )
