"""Cost caps: what one run, an agent's say, may still spend on models."""

from noctule.kit.money import format_dollars
from noctule.llm.errors import CostCapReached


class Budget:
    """What the calls of one run may cost together.

    Before a call its worst case is set aside, so that calls at the same time cannot overrun the cap together; after
    it the exact cost takes its place. For one event loop; ``max_cost_nanos`` ``None`` caps nothing.
    """

    def __init__(self, max_cost_nanos: int | None = None) -> None:
        self.max_cost_nanos = max_cost_nanos
        self.spent_nanos = 0
        self._set_aside_nanos = 0

    def set_aside(self, worst_nanos: int) -> None:
        """Keep the worst case of a call. Raises ``CostCapReached``."""
        if self.max_cost_nanos is not None:
            left = self.max_cost_nanos - self.spent_nanos - self._set_aside_nanos
            if worst_nanos > left:
                raise CostCapReached(
                    f"The next call to the model could cost {format_dollars(worst_nanos)}, and "
                    f"{format_dollars(max(0, left))} of this run's {format_dollars(self.max_cost_nanos)} is left."
                )
        self._set_aside_nanos += worst_nanos

    def settle(self, worst_nanos: int, cost_nanos: int) -> None:
        """Put what a call did cost in the place of what was set aside for it."""
        self._set_aside_nanos -= worst_nanos
        self.spent_nanos += cost_nanos
