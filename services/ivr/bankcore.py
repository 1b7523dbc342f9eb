"""The bank's core systems over their published contract (docs/bankcore.openapi.yaml): the port Bank over HTTP.

Never raises for a bank that is slow, down, contrary or talks nonsense: the answer says so, and the flow tells the caller.
What a caller keyed is in request bodies only, never in an error, a log or a metric.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
import orjson
import structlog

from ipcc.clock import Clock
from ipcc.metrics import IVR_BANK_DURATION, Metrics
from services.ivr.core.actions import BankAnswer
from services.ivr.core.breaker import Breaker, Stance
from services.ivr.core.operations import (
    OPERATIONS,
    SEALED,
    SETTLE,
    UNAVAILABLE,
    UNKNOWN,
    Kind,
    Operation,
    Reply,
    lost,
    read,
    read_settled,
)
from services.ivr.sealing import BadKey, SealingKey, key_from
from services.ivr.settings import IvrSettings

log = structlog.get_logger(__name__)

KEYS = "/v1/keys"
CONNECT_S = 2.0
TRIES = 2
RETRY_S = 0.1
# an answer that was lost is asked for by its key
SETTLE_TRIES, SETTLE_PAUSE_S = 3, 0.5
# by the contract no answer is longer than a few kilobytes
LONGEST_ANSWER = 65_536
HEALTH_FRESH = timedelta(seconds=5)
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True)
class BankSettings:
    """Where the bank core is and how patient we are with it; ``timeouts_s`` for single operations."""

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_s: float = 4.0
    timeouts_s: Mapping[str, float] = field(default_factory=dict)
    failures: int = 5
    pause_s: float = 10.0

    @classmethod
    def of(cls, settings: IvrSettings) -> BankSettings:
        """Out of the service's settings."""
        token = settings.bankcore_token
        return cls(
            url=settings.bankcore_url.rstrip("/"),
            token=token.get_secret_value() if token else None,
            timeout_s=settings.bank_timeout_s,
            timeouts_s=settings.bank_timeouts_s,
            failures=settings.bank_failures,
            pause_s=settings.bank_pause_s,
        )

    def patience(self, operation: str) -> float:
        """How long one question may take, repetitions included, in seconds."""
        return self.timeouts_s.get(operation, self.timeout_s)


@dataclass(frozen=True)
class _Question:
    """One operation with all that goes with it."""

    name: str
    operation: Operation
    inputs: Mapping[str, str] = field(repr=False)
    key: str


class BankCore:
    """Implements ports.Bank. ``close`` it when the service stops."""

    def __init__(self, settings: BankSettings, clock: Clock, metrics: Metrics) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._breakers: dict[str, Breaker] = {}
        self._sealing: SealingKey | None = None
        self._well_at: datetime | None = None
        self._client = httpx.AsyncClient(
            base_url=settings.url,
            headers={"Authorization": f"Bearer {settings.token}"} if settings.token else {},
            timeout=httpx.Timeout(30, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            follow_redirects=False,
            # a proxy named in the environment must never see a card number
            trust_env=False,
        )

    async def ask(self, operation: str, inputs: Mapping[str, str], key: str) -> BankAnswer:
        """Do ``operation``. ``key`` makes a repeated movement one movement; it may be any text."""
        known = OPERATIONS.get(operation)
        if known is None:
            log.error("bank_operation_unknown", operation=operation)
            return BankAnswer(UNAVAILABLE, "operation_unknown")
        breaker = self._breakers.setdefault(
            operation, Breaker(self._settings.failures, timedelta(seconds=self._settings.pause_s))
        )
        if not breaker.admits(self._clock.now()):
            return BankAnswer(UNAVAILABLE, "left_alone")
        loop = asyncio.get_running_loop()
        began = loop.time()
        answer: BankAnswer | None = None
        try:
            answer = await self._ask_and_settle(_Question(operation, known, inputs, key))
        finally:
            self._note(breaker, answer)
        elapsed = loop.time() - began
        self._metrics.observe(IVR_BANK_DURATION, elapsed, operation=operation, outcome=answer.outcome)
        if answer.outcome not in ("ok", "refused"):
            log.warning("bank_failed", operation=operation, outcome=answer.outcome, code=answer.code)
        return BankAnswer(answer.outcome, answer.code, answer.values, int(elapsed * 1000))

    async def settle(self, operation: str, key: str) -> BankAnswer:
        """See ports.Bank."""
        question = _Question(operation, OPERATIONS[operation], {}, key)
        loop = asyncio.get_running_loop()
        began = loop.time()
        found: BankAnswer | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.patience(operation)):
                found = await self._settle(question)
        answer = found or BankAnswer(UNKNOWN, "not_settled")
        log.info("bank_settled", operation=operation, outcome=answer.outcome)
        return BankAnswer(answer.outcome, answer.code, answer.values, int((loop.time() - began) * 1000))

    async def problem(self) -> str | None:
        """The health check: None, or why flows cannot count on the bank core."""
        now = self._clock.now()
        open_ones = sorted(name for name, b in self._breakers.items() if b.stance(now) is Stance.OPEN)
        if open_ones:
            return (
                f"{', '.join(open_ones)}: {self._settings.failures} or more failures in a row, left alone for a while"
            )
        if self._well_at is not None and now - self._well_at < HEALTH_FRESH:
            return None
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                self._sealing = await self._fetch_key()
        except (httpx.HTTPError, TimeoutError, BadKey) as error:
            return f"{self._settings.url}: {_reason(error)}"
        self._well_at = now
        return None

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    def _note(self, breaker: Breaker, answer: BankAnswer | None) -> None:
        if answer is None:
            breaker.given_up()
        elif answer.outcome in ("ok", "refused"):
            self._well_at = self._clock.now()
            breaker.succeeded()
        else:
            breaker.failed(self._clock.now())

    async def _ask_and_settle(self, question: _Question) -> BankAnswer:
        """The answer; of a movement whose answer was lost, what the bank says became of it, if it says so in time."""
        answer = await self._ask_in_time(question)
        if answer.outcome != UNKNOWN:
            return answer
        log.warning("bank_settles", operation=question.name, code=answer.code)
        try:
            async with asyncio.timeout(self._settings.patience(question.name)):
                return await self._settle(question) or answer
        except TimeoutError:
            return answer

    async def _settle(self, question: _Question) -> BankAnswer | None:
        body = {"key": _idempotency(question)["Idempotency-Key"]}
        for _ in range(SETTLE_TRIES):
            try:
                settled = read_settled(question.operation, await self._send("POST", SETTLE, body, {}))
            except httpx.HTTPError as error:
                log.info("bank_not_settled", operation=question.name, reason=_reason(error))
                settled = None
            if settled is not None:
                return settled
            await self._clock.sleep(SETTLE_PAUSE_S)
        return None

    async def _ask_in_time(self, question: _Question) -> BankAnswer:
        sent = _Sent()
        try:
            async with asyncio.timeout(self._settings.patience(question.name)):
                return await self._ask_again(question, sent)
        except TimeoutError:
            return lost(question.operation, "slow") if sent.is_sent else BankAnswer(UNAVAILABLE, "slow")

    async def _ask_again(self, question: _Question, sent: _Sent) -> BankAnswer:
        """The answer of the last try. Only what does nothing twice is repeated; a key the bank does not know any more is fetched
        anew once."""
        has_new_key = False
        tries = TRIES if question.operation.kind in (Kind.READ, Kind.ORDER) else 1
        while True:
            tries -= 1
            answer = await self._ask_once(question, sent)
            if answer.code == "key_unknown":
                # refused before anything was looked at
                self._sealing = None
                if has_new_key:
                    return BankAnswer(UNAVAILABLE, "no_key")
                has_new_key = True
                continue
            if answer.outcome != UNAVAILABLE or tries <= 0:
                return answer
            await self._clock.sleep(RETRY_S)

    async def _ask_once(self, question: _Question, sent: _Sent) -> BankAnswer:
        operation = question.operation
        try:
            body = await self._body(question)
        except (httpx.HTTPError, BadKey) as error:
            log.warning("bank_key_not_had", reason=_reason(error))
            return BankAnswer(UNAVAILABLE, "no_key")
        sent.is_sent = True
        try:
            reply = await self._send("POST", operation.path, body, _idempotency(question))
        except _NOT_SENT as error:
            sent.is_sent = False
            log.info("bank_not_reached", operation=question.name, reason=_reason(error))
            return BankAnswer(UNAVAILABLE, "not_reached")
        except httpx.HTTPError as error:
            log.info("bank_answer_lost", operation=question.name, reason=_reason(error))
            return lost(operation, "cut_off")
        return read(operation, reply)

    async def _body(self, question: _Question) -> dict[str, str]:
        body = {name: value for name, value in question.inputs.items() if name not in SEALED}
        if question.operation.has_secret:
            if self._sealing is None:
                self._sealing = await self._fetch_key()
            body["key_id"] = self._sealing.key_id
            for name, carrier in SEALED.items():
                secret = question.inputs.get(name, "")
                # a code that the card does not bear was not asked for
                if name in question.operation.needs or secret:
                    body[carrier] = self._sealing.seal(secret, question.inputs.get("card_no", ""))
        return body

    async def _fetch_key(self) -> SealingKey:
        reply = await self._send("GET", KEYS, None, {})
        if reply.status != 200:
            raise BadKey(f"GET {KEYS} is answered with status {reply.status}")
        return key_from(reply.body)

    async def _send(self, method: str, path: str, body: Mapping[str, str] | None, headers: Mapping[str, str]) -> Reply:
        """One request; an answer that is too long or no JSON has the body None. Raises httpx.HTTPError."""
        content = None if body is None else orjson.dumps(body)
        typed = {} if body is None else {"Content-Type": "application/json"}
        async with self._client.stream(method, path, content=content, headers={**headers, **typed}) as response:
            raw = b""
            async for chunk in response.aiter_bytes():
                raw += chunk
                if len(raw) > LONGEST_ANSWER:
                    return Reply(response.status_code, None)
        return Reply(response.status_code, _json(raw))


@dataclass
class _Sent:
    """Whether the bank may have heard the question."""

    is_sent: bool = False


def _idempotency(question: _Question) -> dict[str, str]:
    if question.operation.kind not in (Kind.MOVEMENT, Kind.ORDER):
        return {}
    # the contract allows 64 characters; ours may be longer
    return {"Idempotency-Key": str(uuid.uuid5(uuid.NAMESPACE_URL, question.key))}


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _reason(error: Exception) -> str:
    # the texts of httpx name addresses and times, never bodies
    return str(error) or type(error).__name__
