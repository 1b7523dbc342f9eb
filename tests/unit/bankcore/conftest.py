"""A desk of the bank with the demonstration customers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bankcore.demo import fill
from tests.unit.bankcore.counter import NOW, Counter


@pytest.fixture
def desk() -> Iterator[Counter]:
    made = Counter()
    fill(made.bank, NOW - timedelta(days=30))
    yield made
    assert made.bank.ledger.is_balanced()
