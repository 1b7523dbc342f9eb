"""The simulated switch knows the phones of the organisation it serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcc.cli.journeys import ENTRY_POINT
from ipcc.cli.plan import DEMO_ORGANISATION, Plan
from ipcc.cli.suite import simulated_site, simulated_switch
from ipcc.sim.people import Caller


def test_every_phone_of_the_organisation_may_register(tmp_path: Path) -> None:
    organisation = tmp_path / "organisation.yaml"
    organisation.write_text("phones: [{id: 2001, name: a}, {id: '3001', name: b}]", encoding="utf-8")
    phones = simulated_site(Plan(tmp_path, organisation=organisation)).phones
    assert {"2001", "3001", "1001", "1020"} <= set(phones)
    assert "1001" in simulated_site(Plan(tmp_path, organisation=DEMO_ORGANISATION)).phones


@pytest.mark.parametrize("text", ["", "[]", "phones: 7", "phones: [{name: x}]", "phones: [", "\x00"])
def test_an_organisation_that_cannot_be_read_leaves_the_usual_phones(tmp_path: Path, text: str) -> None:
    organisation = tmp_path / "organisation.yaml"
    organisation.write_text(text, encoding="utf-8")
    assert len(simulated_site(Plan(tmp_path, organisation=organisation)).phones) == 20


async def test_a_switch_that_is_started_again_gives_its_calls_other_ids(tmp_path: Path) -> None:
    calls = []
    for _ in range(2):
        async with simulated_switch(Plan(tmp_path)) as (switch, _address, _password):
            calls.append(switch.place_call(Caller("13800000001", ENTRY_POINT, variables={"ipcc_trunk": "demo"})))
    assert None not in calls
    assert calls[0] != calls[1]
