"""Waiting until something known of the calls has come true."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Changes:
    """Those who wait, looked after whenever something changed."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    def announce(self) -> None:
        """Something changed."""
        for future, is_true in list(self._waiting.items()):
            if not future.done() and is_true():
                future.set_result(None)

    async def until(self, is_true: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``is_true()``; False when that takes longer than ``timeout_s``."""
        if is_true():
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = is_true
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            return False
        finally:
            del self._waiting[future]
        return True
