"""The use cases of webhooks, and the courier that carries their messages."""

from noctule.webhooks.domain import Delivery, DeliveryState, Endpoint, EventType
from noctule.webhooks.service.courier import Courier
from noctule.webhooks.service.deliveries import Deliveries
from noctule.webhooks.service.outbox import MessageOutbox
from noctule.webhooks.service.poster import Outcome, Poster
from noctule.webhooks.service.service import EndpointView, NewSecret, WebhookService, Wish

__all__ = [
    "Courier",
    "Deliveries",
    "Delivery",
    "DeliveryState",
    "Endpoint",
    "EndpointView",
    "EventType",
    "MessageOutbox",
    "NewSecret",
    "Outcome",
    "Poster",
    "WebhookService",
    "Wish",
]
