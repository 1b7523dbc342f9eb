"""A tenure recorded and decided again."""

from __future__ import annotations

import re
from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from ipcc.cli import replay as command
from ipcc.contracts.acd import OfferEnded, OfferMade, OfferRinging
from ipcc.errors import NotFound
from services.acd.core.inputs import TimePassed
from services.acd.journal import Journal, replay
from tests.component.acd.stand import Stand


async def test_a_recorded_day_is_decided_the_same_again_and_a_change_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand, folder = Stand(tmp_path), tmp_path / "inputs"
    await stand.open("ann", "bob", "cho")
    stand.phones_ring()
    for instance, agents in (("acd-0", ("ann", "bob")), ("acd-1", ("cho",))):
        async with stand.acd(instance, inputs_dir=folder):
            await stand.sign_in(*agents)
            for name in "abc":
                await stand.arrive(f"{name}-{instance}")
            made = await stand.hear(OfferMade, agent_id=agents[0])
            await stand.hear(OfferRinging, offer_id=made.offer_id)
            stand.lift(made.offer_id)
            await stand.hear(OfferEnded, offer_id=made.offer_id)
            with pytest.raises(NotFound):
                await stand.ask(stand.order("x").model_copy(update={"queue_id": "none"}))
    await stand.close()
    first, second = sorted(folder.iterdir())
    for path in (first, second):
        assert path.stat().st_mode & 0o077 == 0
        found = replay(path)
        assert found.difference is None
        assert found.inputs > 10
    lines = first.read_bytes().splitlines(keepends=True)
    changed = next(n for n, line in enumerate(lines) if orjson.loads(line).get("kind") == "Enqueue")
    lines[changed] = lines[changed].replace(b'"priority":5', b'"priority":4')
    first.write_bytes(b"".join(lines) + b'{"cut')
    difference = replay(first).difference
    assert difference is not None
    assert difference.line == changed + 1
    assert command.run(Namespace(journal=first)) == 1
    assert f"Line {changed + 1} is decided otherwise: Enqueue" in capsys.readouterr().out
    assert command.run(Namespace(journal=second)) == 0


async def test_a_folder_that_cannot_be_written_to_stops_nobody_and_health_and_a_metric_say_so(tmp_path: Path) -> None:
    stand, folder = Stand(tmp_path), tmp_path / "inputs"
    folder.write_text("a file where a folder should be")
    await stand.open("ann")
    stand.phones_ring()
    async with stand.acd(inputs_dir=folder) as client:
        await stand.sign_in("ann")
        await stand.arrive("x")
        await stand.hear(OfferMade)
        health = await client.get("/health/ready")
        assert health.status_code == 200
        assert "default: inputs are not recorded: " in health.json()["warnings"]["routing"]
        metrics = (await client.get("/metrics")).text
        counted = re.search(r"^ipcc_acd_inputs_unrecorded_total{.*} ([0-9.]+)$", metrics, re.MULTILINE)
        assert counted is not None
        assert float(counted[1]) >= 2
        assert 'ipcc_health_status{check="routing",service="acd"} 0.0' in metrics
    await stand.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_becomes_full_ends_the_file_and_raises_nothing() -> None:
    # a buffer of one line at most: the first does not fit the device
    with Path("/dev/full").open("wb", buffering=64) as file:
        journal = Journal(file)
        for _ in range(5):
            journal.decided(TimePassed(), datetime(2026, 1, 1, tzinfo=UTC), None, "none")
            journal.flush()
        assert "No space left" in journal.trouble
        journal.close()
