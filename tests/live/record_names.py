"""Records what the real switch of ``real.py`` makes of callers' names, both ways: ``python -m tests.live.record_names FILE``.

``tests/traces/names.json`` was made by it; ``tests/traces/test_names.py`` holds the simulator to it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from ipcc.sim.people import PhoneScript
from tests.live.by_sip import SipPeople
from tests.live.ear import Ear
from tests.live.real import RealSwitch, real_switch, site_of
from tests.live.telephone.message import display_of
from tests.live.telephone.phone import SipPhone
from tests.support.until import until

ORIGINATED = (
    "Li",
    "x a:b",
    "q@w/e:r",
    "x%250Ay",
    "a%3A b%2Fc%40d",
    "100% sure",
    "%25{uuid}",
    "back%5C%5Cslash",
    "王芳",
)
DISPLAYED = ("Li", "x%0AUnique-ID: y", '王\\"小明\\": x', "a\\\\b", "${uuid}", "x%{y}", "a\tb", "100%41", "a/b@c:d")


def main(target: Path) -> int:
    """Record into ``target``."""
    switch = real_switch()
    if switch is None:
        print("IPCC_LIVE_SWITCH names no real switch: see tests/live/real.py")
        return 2
    rows = asyncio.run(record(switch))
    target.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 0


async def record(switch: RealSwitch) -> dict[str, list[dict[str, Any]]]:
    """Every name, both ways."""
    ear = Ear()
    await ear.open(switch.address, switch.password, "json")
    site = await site_of(ear, switch.phone_passwords)
    people = SipPeople(site)
    try:
        phone = await people.phone("1001")
        await phone.register()
        phone.behave(PhoneScript("1001", refuse=486, refuse_after_s=0.05))
        return {
            "originated": [await originated(ear, phone.sip, name) for name in ORIGINATED],
            "displayed": [await displayed(ear, site.trunks, name) for name in DISPLAYED],
        }
    finally:
        await people.close()
        await ear.close()


async def originated(ear: Ear, phone: SipPhone, name: str) -> dict[str, Any]:
    """A name given to ``originate``: on the leg, and as the phone shows it."""
    known = len(ear.events)
    await ear.api(
        f"originate {{origination_caller_id_name='{name}',origination_caller_id_number=1380}}user/1001 &park()"
    )
    created = next(event for event in ear.events[known:] if event.name == "CHANNEL_CREATE")
    return {
        "given": name,
        "leg": created.get("Caller-Caller-ID-Name"),
        "leg_original": created.get("Caller-Orig-Caller-ID-Name"),
        "phone": display_of(phone.calls[-1].invite.get("from")),
    }


async def displayed(ear: Ear, trunks: tuple[str, int], name: str) -> dict[str, Any]:
    """A name between the quotes of a From header: on the leg."""
    known = len(ear.events)
    caller = SipPhone("1390", trunks, 0)
    await caller.open()
    call = await caller.call("95500", "13900000001", name)
    created = await until(
        lambda: [event for event in ear.events[known:] if event.name == "CHANNEL_CREATE"], what="the channel"
    )
    await call.hang_up()
    await caller.close()
    return {
        "given": name,
        "leg": created[0].get("Caller-Caller-ID-Name"),
        "variable": created[0].variable("sip_from_display"),
    }


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
