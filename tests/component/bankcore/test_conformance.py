"""Whatever is sent, the stand-in answers as its contract says and never fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS

from bankcore.app import build
from bankcore.settings import BankSettings
from ipcc.clock import FakeClock
from ipcc.http.factory import create_app
from tests.support.service import make_settings

# check digits, PINs and balances are rules no schema can tell
BEYOND_SCHEMAS = ["positive_data_acceptance"]


OPERATIONS = [
    "keys", "identify", "verify_pin", "balance", "entries", "transfer", "unlock", "proof", "limits", "hours", "payees", "transfer_terms",
    "withdrawal_terms", "deal_terms", "exchange_rate", "bill_day", "set_rate",
]  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_keeps_the_contract(name: str, tmp_path: Path) -> None:
    app = create_app(build(make_settings(BankSettings, tmp_path), FakeClock()))
    schema: Any = schemathesis.openapi.from_asgi("/openapi.json", app)
    operation = schema.find_operation_by_id(name)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(excluded_checks=CHECKS.get_by_names(BEYOND_SCHEMAS))

    ask()
