"""The door of metering: ``Metering`` and the shapes that it takes and gives."""

from noctule.metering.domain.events import KeyReused, Meter, UsageEvent
from noctule.metering.domain.leases import ClosedLease, LeaseOpening, Stop, TickOutcome
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import MonthRollup, Usage
from noctule.metering.service.audit import AuditCheck, AuditReport
from noctule.metering.service.explain import Explained, Line, Payment
from noctule.metering.service.ledger import ModelCall
from noctule.metering.service.metering import Metering

__all__ = [
    "AuditCheck",
    "AuditReport",
    "ClosedLease",
    "Explained",
    "KeyReused",
    "LeaseOpening",
    "Line",
    "Meter",
    "Metering",
    "ModelCall",
    "Month",
    "MonthRollup",
    "Payment",
    "Stop",
    "TickOutcome",
    "Usage",
    "UsageEvent",
]
