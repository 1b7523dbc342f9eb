"""An agent of the demonstration finds the voicemail somebody left, takes it, hears it, calls back and finishes it, all over REST."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

LOOK_S = 0.2
WITHIN_S = 30.0


@dataclass(frozen=True)
class CallingBack:
    """The suite as that agent sees it; ``token`` lets him in."""

    client: httpx.AsyncClient
    urls: Mapping[str, str]
    token: str

    async def play(self, call_id: str, agent: str, problems: list[str]) -> str:
        """What came of it, in one line; ``problems`` is told what was not as it must be."""
        mail = await self._until(lambda: self._shown(agent, call_id))
        if mail is None:
            problems.append("voicemail: the agent's desktop shows none")
            return ""
        voicemail_id = mail["voicemail_id"]
        taken = await self._ask("POST", "record", f"/v1/voicemails/{voicemail_id}/take")
        sound = await self._ask("GET", "record", f"/v1/voicemails/{voicemail_id}/audio")
        back = f"/v1/agents/{agent}/voicemails/{voicemail_id}/call-back"
        leg = await self._ask("POST", "ctiserver", back)
        for answer in (taken, sound, leg):
            if not answer.is_success:
                problems.append(f"voicemail: {answer.request.url.path}: {answer.status_code} {answer.text}")
                return ""
        made = str(leg.json()["call_id"])
        talked = await self._until(lambda: self._talked(made))
        done = await self._ask("POST", "record", f"/v1/voicemails/{voicemail_id}/done", {"outcome": "reached"})
        journey = await self._until(lambda: self._tied(call_id, made))
        for what, is_so in (("called back", talked), ("done", done.is_success), ("tied to the call made", journey)):
            if not is_so:
                problems.append(f"voicemail: was not {what}")
        seconds = mail["duration_ms"] / 1000
        return f"{seconds:.1f} s for {mail['queue_id']}, taken, heard and called back by {agent} in call {made[:8]}, reached"

    async def _shown(self, agent: str, call_id: str) -> dict[str, Any] | None:
        found = await self._found("ctiserver", f"/v1/agents/{agent}")
        mails = (found or {}).get("voicemails", [])
        return next((mail for mail in mails if mail["call_id"] == call_id), None)

    async def _talked(self, made: str) -> bool:
        """Whether the call back is over, and somebody was spoken to in it."""
        found = await self._found("report", f"/v1/calls/{made}", is_overseer=True) or {}
        return bool(found.get("ended_at")) and any(leg["talk_ms"] for leg in found["legs"] if leg["role"] == "customer")

    async def _tied(self, call_id: str, made: str) -> bool:
        found = await self._found("report", f"/v1/calls/{call_id}", is_overseer=True) or {}
        return any(made in mail["calls"] and mail["outcome"] == "reached" for mail in found.get("voicemails", []))

    async def _found(self, service: str, path: str, *, is_overseer: bool = False) -> dict[str, Any] | None:
        # agents see no reports: what the client itself is let in for
        headers = {} if is_overseer else self._headers()
        answer = await self.client.get(self.urls[service] + path, headers=headers)
        return dict(answer.json()) if answer.is_success else None

    async def _ask(self, method: str, service: str, path: str, body: Any = None) -> httpx.Response:
        return await self.client.request(method, self.urls[service] + path, json=body, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @staticmethod
    async def _until(look: Callable[[], Awaitable[Any]]) -> Any:
        for _ in range(int(WITHIN_S / LOOK_S)):
            found = await look()
            if found:
                return found
            await asyncio.sleep(LOOK_S)
        return None
