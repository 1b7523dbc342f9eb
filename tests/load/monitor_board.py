"""How long the board takes to be made for sending while many wait.

``python -m tests.load.monitor_board [waiting]`` prints a table: so many waiting in 50 queues, as many calls, 100,000 answered
before on the same day, 500 agents; the board made 50 times, one event between.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from statistics import median
from zoneinfo import ZoneInfo

from ipcc.contracts.acd import AgentChanged, AgentState, EntryEnded, EntryOutcome, EntryQueued
from ipcc.contracts.call import CallArrived, Direction
from ipcc.contracts.envelope import wrap
from ipcc.contracts.payload import Payload
from services.monitor.core.board import Board
from services.monitor.schemas import board_view

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
QUEUES, AGENTS, ANSWERED, ROUNDS = 50, 500, 100_000, 50
_numbers = count()


def tell(board: Board, data: Payload) -> None:
    number = next(_numbers)
    at = NOON + timedelta(milliseconds=number)
    board.apply(wrap(data, event_id=str(number), source="load/load-0", time=at), at)


def queued(number: int) -> EntryQueued:
    ids = {"entry_id": f"e{number}", "call_id": f"c{number}", "leg_id": f"c{number}", "node_id": "fs1"}
    return EntryQueued(**ids, queue_id=f"q{number % QUEUES}", entered_at=NOON - timedelta(seconds=number % 900))


def answered(number: int) -> EntryEnded:
    ids = {"entry_id": f"e{number}", "call_id": f"c{number}", "queue_id": f"q{number % QUEUES}"}
    return EntryEnded(**ids, outcome=EntryOutcome.ANSWERED, wait_ms=number % 60_000)


def main(waiting: int) -> None:
    board = Board(ZoneInfo("Asia/Shanghai"))
    for number in range(AGENTS):
        tell(board, AgentChanged(agent_id=f"a{number}", state=AgentState.READY))
    for number in range(ANSWERED):
        tell(board, queued(number))
        tell(board, answered(number))
    for number in range(ANSWERED, ANSWERED + waiting):
        call = {"call_id": f"c{number}", "leg_id": f"c{number}", "node_id": "fs1"}
        tell(board, CallArrived(**call, direction=Direction.INBOUND, trunk=f"t{number % 4}"))
        tell(board, queued(number))
    took = []
    for number in range(ROUNDS):
        tell(board, answered(ANSWERED + number))
        begun = time.perf_counter()
        board_view(board, [], [], NOON + timedelta(hours=1))
        took.append((time.perf_counter() - begun) * 1000)
    print("| waiting | median | worst |\n|---|---|---|")
    print(f"| {waiting:,} | {median(took):.2f} ms | {max(took):.2f} ms |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
