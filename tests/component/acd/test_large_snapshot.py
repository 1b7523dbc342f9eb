"""A domain too large for one record: its snapshot comes in parts, and is read as one."""

from __future__ import annotations

from pathlib import Path

from ipcc.bus.port import BEGINNING
from ipcc.contracts.topics import ACD, TOPICS
from services.acd.core.rows import Agent
from services.acd.core.snapshot import to_dict
from services.acd.core.state import State
from services.acd.log import MAX_RECORD_BYTES, AcdLog, LogWriter
from tests.component.acd.stand import Stand


async def test_a_snapshot_larger_than_a_record_comes_in_parts_and_is_read_whole(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    await stand.bus.start()
    await stand.bus.create_topics(TOPICS)
    state = State("default")
    for number in range(10_000):
        agent = Agent(f"agent-{number}", phone_id=f"phone-{number}", since=stand.clock.now())
        state.write(state.agents, agent.id, agent)
    acd_log = AcdLog(stand.bus, "default")
    writer = LogWriter(acd_log, await stand.bus.fenced("acd.default"), "acd/0")
    await writer.snapshot(state, {"ipcc.call.v1/0": 7}, stand.clock.now())
    async with stand.bus.replay(ACD.name, BEGINNING) as reader:
        sizes = [len(record.value or b"") async for record in reader]
    assert len(sizes) > 1
    assert max(sizes) <= MAX_RECORD_BYTES
    folded = await acd_log.read()
    assert to_dict(folded.state) == to_dict(state)
    assert folded.inputs == {"ipcc.call.v1/0": 7}
    await writer.close()
    await stand.bus.stop()
