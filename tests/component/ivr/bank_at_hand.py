"""The stand-in bank without a server: its own routes called in process, in any clock, with a wire that fails by dice."""

from __future__ import annotations

import inspect
import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

import httpx
import orjson
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from bankcore.api import router
from bankcore.faults import Faults
from bankcore.movements import router as movements
from bankcore.terms import router as terms
from bankcore.usecases import Bank
from ipcc.clock import Clock
from ipcc.errors import Refused
from services.ivr.bankcore import BankCore
from services.ivr.core.actions import BankAnswer
from services.ivr.core.operations import OPERATIONS, Kind

# how a question to the bank goes, and how often
WRONGS = {"": 60, "slow": 8, "refuse": 6, "malformed": 6, "lost": 8, "down": 4, "unreached": 3, "cut": 5}


class BankAtHand(httpx.AsyncBaseTransport):
    """The stand-in's own routes, called without a server; ``dice`` decides what goes wrong on the way there and back."""

    def __init__(self, bank: Bank, clock: Clock, dice: random.Random) -> None:
        self.bank, self.clock, self.dice = bank, clock, dice
        self.is_well = False
        self.wrongs: Counter[str] = Counter()
        self._faults = Faults(clock)
        routes = [route for part in (router, terms, movements) for route in part.routes if isinstance(route, APIRoute)]
        self._routes = {route.path: route.endpoint for route in routes}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        wrong = "" if self.is_well else self.dice.choices(list(WRONGS), list(WRONGS.values()))[0]
        self.wrongs[wrong] += 1
        if wrong == "unreached":
            raise httpx.ConnectError("nobody there", request=request)
        if wrong == "down":
            return httpx.Response(503, json={"code": "unavailable"})
        if wrong == "refuse":
            return httpx.Response(409, json={"code": self.dice.choice(("closed_now", "daily_limit", "not_available"))})
        if wrong == "malformed":
            return httpx.Response(200, content=b'{"balance": ')
        if wrong == "slow":
            await self.clock.sleep(self.dice.uniform(0.5, 12))
        answer = await self._answer(request)
        if wrong == "cut":
            raise httpx.ReadError("cut off", request=request)
        return httpx.Response(200, content=b"nonsense") if wrong == "lost" else answer

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        endpoint = self._routes[request.url.path]
        try:
            result = await endpoint(**self._arguments(endpoint, request))
        except ValidationError:
            return httpx.Response(422, json={"code": "request.invalid"})
        except Refused as error:
            return httpx.Response(error.status, json={"code": error.code, "details": error.details})
        return httpx.Response(200, content=result.model_dump_json())

    def _arguments(self, endpoint: Callable[..., Any], request: httpx.Request) -> dict[str, Any]:
        found: dict[str, Any] = {}
        kinds = get_type_hints(endpoint)
        for name in inspect.signature(endpoint).parameters:
            kind = kinds[name]
            if kind is Bank:
                found[name] = self.bank
            elif kind is Faults:
                found[name] = self._faults
            elif issubclass(kind, BaseModel):
                found[name] = kind.model_validate(orjson.loads(request.content))
            else:
                found[name] = request.headers["Idempotency-Key"]
        return found


@dataclass
class NotedBank:
    """The bank client, noting what was asked by which key and what came of it at last (ports.Bank); ``answers``: all there were."""

    core: BankCore
    asked: dict[str, tuple[str, BankAnswer | None]] = field(default_factory=dict)
    answers: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def ask(self, operation: str, inputs: Mapping[str, str], key: str) -> BankAnswer:
        is_movement = OPERATIONS[operation].kind is Kind.MOVEMENT
        own = str(uuid.uuid5(uuid.NAMESPACE_URL, key))
        if is_movement:
            # a wrong password is no answer to an agent's order: it is given again by the same key
            _, before = self.asked.get(own, (operation, BankAnswer("refused")))
            assert before is not None
            assert before.outcome == "refused", "a movement was asked for twice"
            self.asked[own] = (operation, None)
        answer = await self.core.ask(operation, inputs, key)
        if is_movement:
            self.asked[own] = (operation, answer)
            self.answers[operation, answer.outcome] += 1
        return answer

    async def settle(self, operation: str, key: str) -> BankAnswer:
        return await self.core.settle(operation, key)
