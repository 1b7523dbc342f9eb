"""What admin hears: acts on what is live, which it keeps."""

from __future__ import annotations

from ipcc.bus.events import Received
from ipcc.bus.handlers import Handlers
from ipcc.contracts.audit import ActDone
from ipcc.contracts.topics import AUDIT
from services.admin.store import AdminStore, LiveAct

TOPICS = (AUDIT,)


def handlers(store: AdminStore) -> Handlers:
    """The table of the consumer group."""

    async def keep(data: ActDone, received: Received) -> None:
        event = received.event
        async with store.changing() as transaction:
            await transaction.keep(LiveAct(event.id, event.time, event.source.partition("/")[0], data))

    return Handlers().on(ActDone, keep)
