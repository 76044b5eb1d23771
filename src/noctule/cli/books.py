"""The audit of all books: the meter's, and beside them those of calls to models, which the meter does not know.

What must hold: a note is not a fault. Nobody can ever know how a call ended whose server was killed meanwhile, so it is
told each time, and no audit fails for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from noctule.llm.calls import findings
from noctule.llm.store import unpriced_models
from noctule.metering.service import AuditCheck, Metering

_CALLS = "model-calls"
_PRICES = "model-prices"
_PRICES_MEANING = "every call to a model cost what the price stored with it makes"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AuditedBooks:
    """What an audit found: ``checks`` that hold or do not, and ``notes`` on what is no fault but worth knowing."""

    checks: tuple[AuditCheck, ...]
    notes: tuple[str, ...]
    transactions: int
    events: int

    @property
    def ok(self) -> bool:
        """Whether every check holds."""
        return all(check.ok for check in self.checks)


def audit_books(metering: Metering, connection: Connection) -> AuditedBooks:
    """Check the books on the data as they are. Reads all of them, so it takes its time on a large database."""
    report = metering.audit(connection)
    found = {_CALLS: _Found(), _PRICES: _Found()}
    for check, place in findings(connection):
        found[check].note(place)
    prices = found[_PRICES]
    return AuditedBooks(
        checks=(*report.checks, AuditCheck(_PRICES, _PRICES_MEANING, tuple(prices.shown), prices.count)),
        notes=(*_unknown_calls(found[_CALLS]), *_unpriced(connection)),
        transactions=report.transactions,
        events=report.events,
    )


class _Found:
    """Places of one kind: the first are kept, all are counted."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.count = 0

    def note(self, place: str) -> None:
        self.count += 1
        if self.count <= _SHOWN:
            self.shown.append(place)


def _unknown_calls(found: _Found) -> Iterator[str]:
    for place in found.shown:
        yield f"{_CALLS}: {place}; nothing was charged for it"
    if found.count > len(found.shown):
        yield f"{_CALLS}: and {found.count - len(found.shown):,} more"


def _unpriced(connection: Connection) -> Iterator[str]:
    models = sorted(unpriced_models(connection).items())
    for model, count in models[:_SHOWN]:
        calls = "1 call" if count == 1 else f"{count:,} calls"
        yield f"unpriced-models: {model} has no price in the books of {calls}"
    if len(models) > _SHOWN:
        yield f"unpriced-models: and {len(models) - _SHOWN:,} more"
