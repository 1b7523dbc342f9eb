"""Random callers through all published flows with a bank that goes wrong: ``python -m tests.load.ivr_strollers --callers 20000``.

In virtual time: hours of calls take minutes. Ends with an AssertionError where a session does not end in a stated way, a caller sits
in silence for more than 3 s, the books do not balance, or a movement was lost or booked twice; else with the figures.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
from pathlib import Path
from time import perf_counter

import looptime
import structlog

import bankcore.core.cards
from services.ivr.rehearsing import open_folder
from tests.component.ivr.strollers import SOURCE, Stroll, judge
from tests.support.fake_parts import LoopClock

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Walk and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--callers", type=int, default=20_000)
    options.add_argument("--at-once", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    # a PIN checked in no time: not what is tried here
    bankcore.core.cards._SCRYPT |= {"n": 2, "r": 1}
    loop = looptime.new_event_loop()
    began = perf_counter()
    try:
        print(json.dumps(loop.run_until_complete(walk(given)), indent=2))
    finally:
        loop.close()
    print(f"virtual {loop.time():.0f} s, real {perf_counter() - began:.0f} s")


async def walk(given: argparse.Namespace) -> dict[str, object]:
    """All callers, judged."""
    flows = open_folder(ROOT / "flows", ROOT / "freeswitch/sounds/prompts.yaml").all()
    stroll = Stroll(flows, LoopClock(SOURCE), random.Random(given.seed))
    return judge(stroll, await stroll.walk_all(given.callers, given.at_once))


if __name__ == "__main__":
    main()
