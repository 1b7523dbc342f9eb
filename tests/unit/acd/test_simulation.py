"""Synthetic days through the core, beside what queueing theory says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipcc.cli import main
from services.acd.core.erlang import erlang_a, erlang_c
from services.acd.simulation import Day, Run, simulate


def day_of(calls: float, agents: int, patience_s: float = 0, hours: float = 6) -> Day:
    return Day.model_validate(
        {
            "hours": hours,
            "queues": [
                {
                    "id": "service",
                    "calls_per_hour": calls,
                    "handle_s": 180,
                    "patience_s": patience_s,
                    "rules": {"skills": {"service": 1}},
                }
            ],
            "crews": [{"count": agents, "skills": {"service": 5}}],
        }
    )


def test_erlang_c_of_a_known_case() -> None:
    # 5 erlang and 6 agents: a textbook's table says 0.5875 wait
    found = erlang_c(5 / 180, 180, 6, 20)
    assert found.delayed == pytest.approx(0.5875, abs=0.0005)
    assert found.wait_s == pytest.approx(0.5875 * 180, abs=0.1)


def test_erlang_a_with_endless_patience_is_erlang_c() -> None:
    endless, none = erlang_a(5 / 180, 180, 6, 1e9), erlang_c(5 / 180, 180, 6, 20)
    assert (endless.delayed, endless.wait_s) == pytest.approx((none.delayed, none.wait_s), rel=1e-3)


def test_a_day_without_impatience_is_erlang_c() -> None:
    outcome = simulate(day_of(100, 7), 8)
    theory = erlang_c(100 / 3600, 180, 7, 20)
    found = outcome.queues["service"]
    assert found["delayed"].holds(theory.delayed), (found, theory)
    assert found["wait_s"].holds(theory.wait_s), (found, theory)
    assert theory.in_time is not None
    assert found["in_time"].holds(theory.in_time), (found, theory)
    assert outcome.occupancy.holds(theory.busy), (outcome.occupancy, theory)


def test_an_overloaded_day_with_impatient_callers_is_erlang_a() -> None:
    outcome = simulate(day_of(160, 7, patience_s=90), 8)
    theory = erlang_a(160 / 3600, 180, 7, 90)
    found = outcome.queues["service"]
    assert found["delayed"].holds(theory.delayed), (found, theory)
    assert found["lost"].holds(theory.lost), (found, theory)
    assert found["wait_s"].holds(theory.wait_s), (found, theory)
    assert outcome.occupancy.holds(theory.busy), (outcome.occupancy, theory)


def test_the_same_seed_is_the_same_day_and_everybody_is_accounted_for() -> None:
    day = day_of(160, 7, patience_s=90, hours=1)
    tallies = []
    for _ in range(2):
        run = Run(day, 5)
        run.play()
        tallies.append(run.tallies["service"])
    assert tallies[0] == tallies[1]
    assert tallies[0].offered == tallies[0].answered + tallies[0].abandoned + tallies[0].elsewhere


def test_the_command_plays_a_file_and_names_what_is_wrong_with_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "day.yaml"
    file.write_text(day_of(160, 7, patience_s=90, hours=0.2).model_dump_json())
    assert main(["simulate", str(file), "--days", "2"]) == 0
    assert "Erlang A" in capsys.readouterr().out
    file.write_text("queues: []\nhours: none\n")
    assert main(["simulate", str(file)]) == 2
    complaint = capsys.readouterr().err
    assert "queues: " in complaint
    assert "hours: " in complaint
