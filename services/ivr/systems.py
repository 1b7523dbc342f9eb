"""Other systems of the bank that flows may ask, by the names in the settings: the port Systems over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import orjson
import structlog

from services.ivr.core.actions import CallService, ServiceAnswer

log = structlog.get_logger(__name__)

UNAVAILABLE = ServiceAnswer("unavailable")
LONGEST_ANSWER = 65_536
LONGEST_VALUE = 200


class BankSystems:
    """``close`` it when the service stops. ``addresses``: name to base address."""

    def __init__(self, addresses: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._addresses = addresses
        # no redirects and no proxy of the environment: what a flow sends goes to the named system or nowhere
        # and no time limit but the node's own, which is around it all: the library's is five seconds
        self._client = httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False, timeout=None)  # noqa: S113

    async def ask(self, wanted: CallService) -> ServiceAnswer:
        """Never raises for a system that is down, slow or talks nonsense."""
        base = self._addresses.get(wanted.service)
        if base is None:
            log.error("system_unknown", system=wanted.service)
            return UNAVAILABLE
        url = base.rstrip("/") + wanted.path
        tries = 2 if wanted.method == "GET" else 1
        try:
            async with asyncio.timeout(wanted.timeout_s):
                for left in reversed(range(tries)):
                    answer = await self._ask_once(wanted, url)
                    if answer.outcome != "unavailable" or not left:
                        return answer
        except TimeoutError:
            log.warning("system_slow", system=wanted.service)
        return UNAVAILABLE

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _ask_once(self, wanted: CallService, url: str) -> ServiceAnswer:
        values = dict(wanted.values)
        try:
            if wanted.method == "GET":
                reply = await self._client.get(url, params=values)
            else:
                reply = await self._client.post(url, json=values)
        except httpx.HTTPError as error:
            log.warning("system_failed", system=wanted.service, error=type(error).__name__)
            return UNAVAILABLE
        if 400 <= reply.status_code < 500:
            return ServiceAnswer("refused")
        if reply.status_code != 200 or len(reply.content) > LONGEST_ANSWER:
            return UNAVAILABLE
        try:
            return ServiceAnswer("ok", dict(_flattened(orjson.loads(reply.content))))
        except orjson.JSONDecodeError:
            return UNAVAILABLE


def _flattened(body: Any, before: str = "") -> Iterator[tuple[str, str]]:
    """Nested fields as ``a.b``; lists are left out, texts cut."""
    if isinstance(body, dict):
        for name, value in body.items():
            yield from _flattened(value, f"{before}.{name}" if before else str(name))
    elif isinstance(body, bool):
        yield before, "yes" if body else "no"
    elif isinstance(body, str | int | float):
        yield before, str(body)[:LONGEST_VALUE]
