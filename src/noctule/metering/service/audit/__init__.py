"""The invariants, on live data: each check is independent of the code that books.

One pass over the ledger in booking order plays every posting into plain integers and notes whatever does
not fit (``playing``); what it ends with is then compared with the rollups, the leases, the seals and
``usage_at`` (``comparing``). Made for the command line: a million events take about a minute, and nothing
is locked.
"""

from noctule.metering.service.audit.audit import audit, rebuild, recomputed_months
from noctule.metering.service.audit.findings import AuditCheck, AuditReport

__all__ = ["AuditCheck", "AuditReport", "audit", "rebuild", "recomputed_months"]
