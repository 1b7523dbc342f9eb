"""What goes wrong on purpose: the stand-in can be slow, down, contrary or talk nonsense, so that callers can be tested."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from bankcore.schemas import Fault
from bankcore.usecases import Bank
from ipcc.clock import Clock
from ipcc.errors import BankCoreDown, NotNow, Refused
from ipcc.http.service import Service, provided
from ipcc.metrics import BANKCORE_OPERATIONS


@dataclass
class Faults:
    """The fault in force and how often it still strikes."""

    clock: Clock
    fault: Fault | None = None
    _left: int | None = None

    def set(self, fault: Fault) -> None:
        """From now on."""
        self.fault = None if fault.mode == "none" else fault
        self._left = fault.times

    def strike(self, operation: str) -> Fault | None:
        """The fault this request meets, None when it is served well."""
        fault = self.fault
        if fault is None or fault.operation not in {None, operation}:
            return None
        if self._left is not None:
            self._left -= 1
            if self._left <= 0:
                self.fault = None
        return fault

    async def carry_out(self, fault: Fault) -> Response | None:
        """An answer of nonsense, an error raised, or None after a delay."""
        if fault.mode == "slow":
            await self.clock.sleep(fault.delay_ms / 1000)
        elif fault.mode == "down":
            raise BankCoreDown("unavailable", "the bank's core systems are closed (fault ordered)")
        elif fault.mode == "refuse":
            raise NotNow(fault.code, "refused (fault ordered)")
        elif fault.mode == "malformed":
            return _nonsense()
        return None


def _nonsense() -> Response:
    return Response('{"balance": ', media_type="application/json")


class BankRoute(APIRoute):
    """A route of the contract: meets the fault in force first, and is counted with how it ended."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        serve = super().get_route_handler()
        operation = self.name

        async def handle(request: Request) -> Response:
            service: Service = request.app.state.service
            result = "failed"
            try:
                faults = provided(Faults)(request)
                fault = faults.strike(operation)
                answer = await faults.carry_out(fault) if fault else None
                provided(Bank)(request).begin_day(faults.clock.now())
                answer = answer or await serve(request)
                result = "ok"
                if fault is not None and fault.mode == "lost":
                    answer = _nonsense()
            except Refused as refusal:
                result = refusal.code
                raise
            finally:
                service.metrics.count(BANKCORE_OPERATIONS, operation=operation, result=result)
            return answer

        return handle
