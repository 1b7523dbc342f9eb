"""Call control over a WebSocket: the same verbs, the same answers."""

from __future__ import annotations

from typing import Any

import orjson

from tests.component.ctiserver.bench import Bench
from tests.component.ctiserver.desk import Desktop, office_of
from tests.component.ctiserver.test_control import joined


async def _ask(desktop: Desktop, **message: Any) -> dict[str, Any]:
    await desktop.socket.send(orjson.dumps(message).decode())
    return await desktop.next()


async def test_verbs_are_messages_and_each_is_answered_by_its_id(bench: Bench) -> None:
    async with office_of(bench) as office, office.desktop("li", path="/v1/control") as desktop:
        await joined(bench)
        held = await _ask(desktop, id="r1", verb="hold", leg_id="a1")
        assert (held["id"], held["type"], held["data"]["state"]) == ("r1", "done", "held")
        again = await _ask(desktop, id="r1", verb="hold", leg_id="a1")
        assert (again["type"], again["data"]["state"]) == ("done", "held")
        refused = await _ask(desktop, id="r2", verb="hold", leg_id="a1")
        assert (refused["type"], refused["data"]["code"], refused["data"]["status"]) == (
            "refused",
            "leg.wrong_state",
            409,
        )
        ended = await _ask(desktop, id="r3", verb="hang_up", leg_id="a1")
        assert ended["data"]["state"] == "null"


async def test_what_is_no_order_is_refused_without_repeating_it(bench: Bench) -> None:
    async with office_of(bench) as office, office.desktop("han", path="/v1/control") as desktop:
        await joined(bench)
        for text in ("nonsense", "[]", '{"id": "x", "verb": "explode"}', '{"id": "x", "verb": "hold", "pin": "4711"}'):
            await desktop.socket.send(text)
            answer = await desktop.next()
            assert (answer["type"], answer["data"]["code"]) == ("refused", "request.invalid")
            assert "4711" not in str(answer)
        stranger = await _ask(desktop, id="r1", verb="hang_up", leg_id="a1")
        assert stranger["data"]["code"] == "leg.other"
        nobody = await _ask(desktop, id="r2", dial=True, to={"kind": "number", "value": "110"})
        assert nobody["data"]["code"] == "agent.no_phone"
