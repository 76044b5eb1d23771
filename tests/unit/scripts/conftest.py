"""Sessions with trajectories, as the tag finds them."""

from tests.unit.sessions.conftest import house

__all__ = ["house"]
