"""The door of metering: ``Metering`` and the shapes that it takes and gives."""

from noctule.metering.domain.budgets import Budget, BudgetAction, BudgetPeriod, BudgetScope, BudgetStatus
from noctule.metering.domain.events import KeyReused, Meter, UsageEvent
from noctule.metering.domain.leases import ClosedLease, LeaseOpening, Stop, TickOutcome
from noctule.metering.domain.months import Month
from noctule.metering.domain.usage import MonthRollup, Usage
from noctule.metering.service.audit import AuditCheck, AuditReport
from noctule.metering.service.credit import Correction, GrantView
from noctule.metering.service.explain import Explained, Line, Payment
from noctule.metering.service.ledger import ModelCall
from noctule.metering.service.metering import Metering
from noctule.metering.service.months import MonthView

__all__ = [
    "AuditCheck",
    "AuditReport",
    "Budget",
    "BudgetAction",
    "BudgetPeriod",
    "BudgetScope",
    "BudgetStatus",
    "ClosedLease",
    "Correction",
    "Explained",
    "GrantView",
    "KeyReused",
    "LeaseOpening",
    "Line",
    "Meter",
    "Metering",
    "ModelCall",
    "Month",
    "MonthRollup",
    "MonthView",
    "Payment",
    "Stop",
    "TickOutcome",
    "Usage",
    "UsageEvent",
]
