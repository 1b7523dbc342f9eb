"""A tenure recorded and decided again."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import orjson
import pytest

from ipcc.cli import replay as command
from ipcc.contracts.acd import OfferEnded, OfferMade, OfferRinging
from ipcc.errors import NotFound
from services.acd.journal import replay
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
