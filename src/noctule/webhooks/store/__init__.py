"""Endpoints, and the queue of what is sent to them: rows in, domain out. Nothing here commits.

Whoever locks both locks the endpoint first and its deliveries then, and whoever locks several endpoints
takes none that another has: so no two servers wait for each other.
"""

from noctule.webhooks.store import endpoints, queue, tables

__all__ = ["endpoints", "queue", "tables"]
