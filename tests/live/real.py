"""The real switch the environment names, and where it takes and makes calls.

``IPCC_LIVE_SWITCH`` host:port of its event socket, ``IPCC_LIVE_ESL_PASSWORD_FILE`` the file with its password,
``IPCC_LIVE_SPOOL`` and ``IPCC_LIVE_SOUNDS`` its folders, ``IPCC_LIVE_PHONE_PASSWORDS`` the file with the passwords of its phones.
It runs with our configuration (freeswitch/conf) on this machine; nothing else may use it meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ipcc.settings import SwitchAddress, read_secret
from tests.live.by_sip import SipSite
from tests.live.ear import Ear


@dataclass(frozen=True)
class RealSwitch:
    """What one must know to use it. ``password_file`` holds ``password``."""

    address: SwitchAddress
    password_file: Path
    spool: Path
    sounds: str
    password: str = field(repr=False)
    phone_passwords: Mapping[str, str] = field(repr=False)


def real_switch() -> RealSwitch | None:
    """The switch of the environment, None when it names none. Raises KeyError naming what is missing, ValueError."""
    named = os.environ.get("IPCC_LIVE_SWITCH")
    if not named:
        return None
    password_file = Path(os.environ["IPCC_LIVE_ESL_PASSWORD_FILE"])
    listed = read_secret(Path(os.environ["IPCC_LIVE_PHONE_PASSWORDS"])).split()
    return RealSwitch(
        address=SwitchAddress.parse(named if "=" in named else f"fs1={named}"),
        password_file=password_file,
        spool=Path(os.environ["IPCC_LIVE_SPOOL"]),
        sounds=os.environ["IPCC_LIVE_SOUNDS"],
        password=read_secret(password_file),
        phone_passwords=dict(zip(listed[::2], listed[1::2], strict=True)),
    )


async def site_of(ear: Ear, phone_passwords: Mapping[str, str]) -> SipSite:
    """Its SIP addresses, by its own variables."""

    async def value(name: str) -> str:
        return await ear.api(f"global_getvar {name}")

    host = await value("ipcc_sip_ip")
    gateway, _, port = (await value("ipcc_trunk_proxy")).rpartition(":")
    return SipSite(
        phones=(host, int(await value("ipcc_phones_port"))),
        trunks=(host, int(await value("ipcc_trunks_port"))),
        gateway=(gateway, int(port)),
        domain=await value("ipcc_domain"),
        passwords=phone_passwords,
    )
