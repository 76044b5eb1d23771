"""The checks by name, and what they found."""

from dataclasses import dataclass

_SHOWN = 20

CHECKS = {
    "ledger-balanced": "every ledger transaction sums to 0, and so does the ledger",
    "events-paid-once": "each event has exactly one ledger transaction, over exactly its cost",
    "grants-add-up": "each grant: amount = spent + expired + remaining, and never below 0",
    "natural-keys": "every key is the one its content makes",
    "minute-chains": "minutes are 0..n-1 with n = the started minutes of the witnessed time",
    "proxy-ranges": "proxied bytes are booked without gap or overlap",
    "prices": "every event costs what the price book says for its instant",
    "models-priced": "every model that was called has a price",
    "spend-order": "plan credit before top-ups, earliest expiry first; overage only without credit",
    "booking-order": "bookings never go back in time, and sealed months take no more events",
    "sums-agree": "sessions add up to months, and months to the account",
    "days": "what was used on each day is what the events of that day say",
    "budgets": "what counts against each budget is what its subject has cost",
    "rollups": "monthly rollups and balances are what the events and the ledger say",
    "sealed-months": "sealed months still have the figures that they were sealed with",
    "admission": "the usage flag says exceeded exactly when the ledger's balance is gone",
}


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """One invariant: what must hold, and the first places where it does not."""

    name: str
    meaning: str
    violations: tuple[str, ...]
    violation_count: int

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return self.violation_count == 0


@dataclass(frozen=True, slots=True)
class AuditReport:
    """All checks, and how much was looked at."""

    checks: tuple[AuditCheck, ...]
    transactions: int
    events: int

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return all(check.ok for check in self.checks)


class Findings:
    """What does not hold, by check; the first places are kept, all are counted."""

    def __init__(self) -> None:
        self._shown: dict[str, list[str]] = {name: [] for name in CHECKS}
        self._count: dict[str, int] = dict.fromkeys(CHECKS, 0)

    def note(self, check: str, message: str) -> None:
        """A place where a check fails."""
        self._count[check] += 1
        if self._count[check] <= _SHOWN:
            self._shown[check].append(message)

    def checks(self) -> tuple[AuditCheck, ...]:
        """Every check with what was found."""
        return tuple(
            AuditCheck(name, meaning, tuple(self._shown[name]), self._count[name]) for name, meaning in CHECKS.items()
        )
