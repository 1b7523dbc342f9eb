"""Records when the real switch of ``real.py`` agrees with itself to fax by T.38: ``python -m tests.live.record_fax FILE``.

``tests/traces/fax_t38.json`` has what was seen so (3 minutes, no suite running); ``tests/traces/test_fax_t38.py`` holds the simulator
to it. The switch calls itself by SIP: one leg sends a page, the other receives it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from ipcc.esl.wire import SwitchEvent
from ipcc.ids import new_id
from tests.live.ear import Ear
from tests.live.real import RealSwitch, real_switch
from tests.support.until import until

MAY, ASKS = "fax_enable_t38", "fax_enable_t38_request"
# variables of the leg that sends, and of the one that receives. Not ({}, {MAY: "true"}): who asks without being allowed it, and is
# given it, goes on as sound alone; no result came within 90 s
CASES: tuple[tuple[dict[str, str], dict[str, str]], ...] = (
    ({}, {}),
    ({MAY: "true"}, {MAY: "true"}),
    ({MAY: "true"}, {MAY: "true", ASKS: "false"}),
    ({MAY: "true", ASKS: "false"}, {MAY: "true"}),
    ({MAY: "true"}, {MAY: "false"}),
)
FAX_S = 90.0


def main(target: Path) -> int:
    """Record into ``target``."""
    switch = real_switch()
    if switch is None:
        print("IPCC_LIVE_SWITCH names no real switch: see tests/live/real.py")
        return 2
    target.write_text(json.dumps(asyncio.run(record(switch)), indent=1) + "\n", encoding="utf-8")
    return 0


async def record(switch: RealSwitch) -> list[dict[str, Any]]:
    """Every case."""
    page = switch.spool / "fax" / f"{new_id()}.tif"
    sheet = Image.new("1", (1728, 2287), 1)
    ImageDraw.Draw(sheet).rectangle((200, 200, 1500, 1200), outline=0, width=9)
    sheet.save(page, format="TIFF", compression="group4", dpi=(204, 196))
    ear = Ear()
    await ear.open(switch.address, switch.password)
    try:
        return [await one(ear, page, sends, receives) for sends, receives in CASES]
    finally:
        await ear.close()
        page.unlink()


async def one(ear: Ear, page: Path, sends: dict[str, str], receives: dict[str, str]) -> dict[str, Any]:
    """What both legs tell of one fax."""
    known, sender = len(ear.events), new_id()
    port = await ear.api("global_getvar ipcc_trunks_port")
    given = "".join(f",{name}={value}" for name, value in sends.items())
    legs = f"{{origination_uuid={sender},origination_caller_id_number=02160000009,absolute_codec_string=PCMU{given}}}"
    await ear.order(f"bgapi originate {legs}sofia/trunks/95500@127.0.0.1:{port} &park")

    def arrived() -> list[SwitchEvent]:
        new = [event for event in ear.events[known:] if event.name == "CHANNEL_CREATE"]
        return [event for event in new if event.get("Call-Direction") == "inbound"]

    receiver = (await until(arrived, what="the called leg"))[0].uuid
    for name, value in receives.items():
        await ear.api(f"uuid_setvar {receiver} {name} {value}")
    await execute(ear, receiver, "answer")
    await until(lambda: [e for e in ear.events[known:] if e.name == "CHANNEL_ANSWER" and e.uuid == sender], what="up")
    got = page.with_name(f"got-{receiver}.tif")
    await execute(ear, receiver, "rxfax", str(got))
    await execute(ear, sender, "txfax", str(page))

    def told(leg: str) -> list[SwitchEvent]:
        return [e for e in ear.events[known:] if e.name == "CUSTOM" and "fax" in str(e.subclass) and e.uuid == leg]

    def are_done() -> bool:
        return all(any(str(e.subclass).endswith("faxresult") for e in told(leg)) for leg in (sender, receiver))

    await until(are_done, FAX_S, f"both results of {sends} to {receives}")
    await ear.api(f"uuid_kill {sender}")
    got.unlink(missing_ok=True)
    return {"sends": sends, "receives": receives, "sender": rows(told(sender)), "receiver": rows(told(receiver))}


def rows(events: list[SwitchEvent]) -> list[list[str]]:
    """Of each event what it is, how T.38 stands, and whether it went well."""
    return [[str(e.subclass).rpartition(":")[2], e.get("fax-t38-status"), e.get("fax-success")] for e in events]


async def execute(ear: Ear, leg: str, application: str, argument: str = "") -> None:
    head = f"sendmsg {leg}\ncall-command: execute\nexecute-app-name: {application}\nevent-lock: true"
    await ear.order(f"{head}\nexecute-app-arg: {argument}" if argument else head)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
