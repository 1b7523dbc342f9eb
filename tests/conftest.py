"""Fixtures for all tests."""

from __future__ import annotations

import asyncio

pytest_plugins = ["tests.support.postgres", "tests.support.kafka"]


def pytest_configure() -> None:
    """No event loop outside a test: looptime asks the policy for one, which would make it and never close it."""
    asyncio.set_event_loop(None)
