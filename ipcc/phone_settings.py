"""Settings of the services that ring agents (acd, ctiserver): what both must be told alike."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from ipcc.settings import ServiceSettings


class PhoneSettings(ServiceSettings):
    """How an agent's phone, or his number outside, is dialled and recorded."""

    switch_spool_dir: Path | None = Field(
        None, description="The spool folder as the switch sees it; the same as spool_dir unless told otherwise."
    )
    phone_domain: str = Field(
        "", description="SIP domain put behind a phone's name when it is dialled; empty leaves it to the switch."
    )
    caller_number: str = Field(
        "95500",
        pattern=r"^\+?[0-9]{2,20}$",
        description="The bank's number, shown to whoever is called outside: agents there, customers, others.",
    )
    confirm_key: str = Field(
        "",
        pattern=r"^[0-9*#]?$",
        description="The key an agent at a number outside presses to take a call, so that no voicemail takes it. Empty: none.",
    )
    confirm_sound: str = Field(
        "tone_stream://%(300,700,880);loops=2",
        pattern=r"^[A-Za-z0-9_.:/%(),;=-]{1,200}$",
        description="What he hears until he presses it: a sound as the switch names it.",
    )
