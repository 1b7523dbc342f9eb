"""Every topic: who writes it, how it is partitioned and how long it is kept (design section 3)."""

from __future__ import annotations

from dataclasses import dataclass

DAY_S = 86_400


@dataclass(frozen=True)
class Topic:
    """One Kafka topic. ``keep_s`` is the retention in seconds; a compacted topic keeps the last value of every key.

    ``stays``: a partition stays with the group member that has it for as long as that member lives, however uneven that is.
    """

    name: str
    writer: str
    partitions: int = 8
    keep_s: int = 7 * DAY_S
    compacted: bool = False
    stays: bool = False


CALL = Topic("ipcc.call.v1", "ctiserver")
PHONE = Topic("ipcc.phone.v1", "ctiserver", partitions=4, compacted=True)
ACD = Topic("ipcc.acd.v1", "acd", partitions=4)
IVR = Topic("ipcc.ivr.v1", "ivr")
RECORDING = Topic("ipcc.recording.v1", "record", partitions=4)
OUTBOUND = Topic("ipcc.outbound.v1", "outbound", partitions=4)
CONFIG = Topic("ipcc.config.v1", "admin", partitions=1, compacted=True)
# who did what to what is live: kept by admin, and long enough here for an admin that was away
AUDIT = Topic("ipcc.audit.v1", "anyone", partitions=4, keep_s=30 * DAY_S)
ALERT = Topic("ipcc.alert.v1", "monitor", partitions=1)
REPLY = Topic("ipcc.reply.v1", "anyone", partitions=8, keep_s=3_600)
DEAD_LETTER = Topic("ipcc.dead_letter.v1", "any consumer", partitions=1, keep_s=30 * DAY_S)
ACD_COMMAND = Topic("ipcc.acd.command.v1", "anyone", partitions=4, keep_s=DAY_S)
CTISERVER_COMMAND = Topic("ipcc.ctiserver.command.v1", "anyone", partitions=4, keep_s=DAY_S)
IVR_COMMAND = Topic("ipcc.ivr.command.v1", "anyone", partitions=8, keep_s=DAY_S)
OUTBOUND_COMMAND = Topic("ipcc.outbound.command.v1", "anyone", partitions=4, keep_s=DAY_S)
# ownership by partition: an owner writes its claim, whose offset is its epoch (ipcc/bus/lease.py)
NODE_LEASE = Topic("ipcc.ctiserver.lease.v1", "ctiserver", partitions=8, keep_s=3_600)
ACD_LEASE = Topic("ipcc.acd.lease.v1", "acd", partitions=4, keep_s=3_600, stays=True)
OUTBOUND_LEASE = Topic("ipcc.outbound.lease.v1", "outbound", partitions=4, keep_s=3_600)

TOPICS: tuple[Topic, ...] = (
    CALL,
    PHONE,
    ACD,
    IVR,
    RECORDING,
    OUTBOUND,
    CONFIG,
    AUDIT,
    ALERT,
    REPLY,
    DEAD_LETTER,
    ACD_COMMAND,
    CTISERVER_COMMAND,
    IVR_COMMAND,
    OUTBOUND_COMMAND,
    NODE_LEASE,
    ACD_LEASE,
    OUTBOUND_LEASE,
)
