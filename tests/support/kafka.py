"""Fixtures that hand out a real Kafka broker; tests that ask for one are skipped where none can be run, with the reason."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kafka_broker import KafkaBroker
from tools.kafka_artifacts import missing_programs

OTHERS_DONE_S = 300.0


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """The broker all tests of a run share, also when several processes run them. Nobody may stop it; see ``own_kafka``."""
    if problem := missing_programs():
        pytest.skip(problem)
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    broker = _enter(shared)
    yield broker
    _leave(shared)
    if broker.pid is not None:
        # whoever started it ends it, when the other processes of the run are done with it
        deadline = time.monotonic() + OTHERS_DONE_S
        while _users(shared) and time.monotonic() < deadline:
            time.sleep(0.1)
        broker.remove()


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A broker for one test file, to be killed and frozen at will; every test leaves it running."""
    if problem := missing_programs():
        pytest.skip(problem)
    broker = KafkaBroker(tmp_path_factory.mktemp("kafka") / "home")
    broker.start()
    yield broker
    broker.remove()


def _enter(shared: Path) -> KafkaBroker:
    """Start the shared broker, or find it, and count ourselves among its users."""
    state = shared / "kafka.json"
    with (shared / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = json.loads(state.read_text()) if state.exists() else {"users": 0}
        if known["users"]:
            broker = KafkaBroker(shared / "kafka", known["clients"], known["controller"])
        else:
            broker = KafkaBroker(shared / "kafka")
            broker.start()
            known = {"users": 0, "clients": broker.clients, "controller": broker.controller}
        state.write_text(json.dumps({**known, "users": known["users"] + 1}))
    return broker


def _leave(shared: Path) -> None:
    state = shared / "kafka.json"
    with (shared / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = json.loads(state.read_text())
        state.write_text(json.dumps({**known, "users": known["users"] - 1}))


def _users(shared: Path) -> int:
    with (shared / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return int(json.loads((shared / "kafka.json").read_text())["users"])
