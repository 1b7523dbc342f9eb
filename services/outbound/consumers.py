"""What outbound hears on the bus: orders."""

from __future__ import annotations

from ipcc.bus.handlers import Handlers
from ipcc.bus.rpc import Replier
from ipcc.contracts.outbound import OrderNotification
from services.outbound.usecases import Notifications


def handlers(notifications: Notifications, replier: Replier) -> Handlers:
    """The table of the consumer group on outbound's commands."""
    return Handlers().on(OrderNotification, replier.answering(notifications.ordered))
