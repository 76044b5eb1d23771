"""The outbox that fills the endpoints' queues.

What must hold: a message is written in the transaction of what it tells of, and only if somebody wants it;
writing one can never make that transaction fail for a reason of ours.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection

from noctule.kit.clock import Clock
from noctule.kit.outbox import Announcement
from noctule.webhooks.domain import Endpoint
from noctule.webhooks.service.deliveries import message_of
from noctule.webhooks.store import endpoints, queue


class MessageOutbox:
    """``kit.outbox.Outbox`` over the tables of webhooks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def add(self, connection: Connection, announcements: Sequence[Announcement]) -> None:
        """Queue what happened for every endpoint that wants it, in the caller's transaction.

        A key that was queued before is left alone; what nobody wants is not written.
        """
        if not announcements:
            return
        listeners: dict[str, list[Endpoint]] = defaultdict(list)
        for endpoint in endpoints.listeners(connection, {each.workspace_id for each in announcements}):
            listeners[endpoint.workspace_id].append(endpoint)
        now = self._clock.now()
        # In the order of their keys, so that no two transactions wait for each other's.
        wanted = [
            (message_of(each, now), ids)
            for each in sorted(announcements, key=lambda each: each.key)
            if (ids := [endpoint.id for endpoint in listeners[each.workspace_id] if endpoint.wants(each.type)])
        ]
        if wanted:
            queue.add(connection, wanted, now)
