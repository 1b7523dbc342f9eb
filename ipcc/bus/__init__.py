"""Kafka for services, and the same inside one process: events, commands with answers, views, leases, outbox, dead letters.

    bus = MemoryBus(MemoryBroker(clock))                       # or KafkaBus(KafkaSettings("host:9092"), clock) of .kafka
    await bus.start()
    publisher = Publisher(bus, "ivr/ivr-0", clock)             # publishes payloads of ipcc.contracts
    await publisher.publish(SessionStarted(call_id=..., ...))
    handlers = Handlers().on(CallArrived, on_arrived)          # async def on_arrived(data: CallArrived, received: Received)
    worker = Worker(bus, Consumption("ivr", [CALL]), handlers, clock)
    tasks.spawn("consume calls", worker.run)                   # worker.problem is "" while healthy; await worker.stop()
    requester = Requester(bus, publisher, "ivr-0")             # tasks.spawn("hear replies", requester.run)
    result = await requester.ask(Enqueue(...), timeout_s=2)    # raises what acd raised
    config = View(bus, CONFIG, clock)                          # tasks.spawn("config", config.run); config["queue/q1"].data

Who answers commands puts ``handlers.on(Enqueue, Replier(publisher).answering(enqueue))`` in the table of its command worker,
with ``async def enqueue(data: Enqueue, received: Received) -> Mapping[str, Any]``.
"""

from ipcc.bus.events import Publisher, Received, message_of, received_from
from ipcc.bus.handlers import Handlers
from ipcc.bus.inbox import Inbox, MemoryInbox
from ipcc.bus.lease import Holder, Lease, Tenure
from ipcc.bus.memory import MemoryBroker, MemoryBus
from ipcc.bus.outbox import OutboxRow, OutboxStore, Relay
from ipcc.bus.port import BEGINNING, END, Bus, Fenced, FencedProducer, Health, Message, Producer, Reader, Record
from ipcc.bus.rpc import Replier, Requester
from ipcc.bus.view import View
from ipcc.bus.worker import Consumption, Worker

__all__ = [
    "BEGINNING",
    "END",
    "Bus",
    "Consumption",
    "Fenced",
    "FencedProducer",
    "Handlers",
    "Health",
    "Holder",
    "Inbox",
    "Lease",
    "MemoryBroker",
    "MemoryBus",
    "MemoryInbox",
    "Message",
    "OutboxRow",
    "OutboxStore",
    "Producer",
    "Publisher",
    "Reader",
    "Received",
    "Record",
    "Relay",
    "Replier",
    "Requester",
    "Tenure",
    "View",
    "Worker",
    "message_of",
    "received_from",
]
