"""Metering's pure rules: months, events, leases, the waterfall and ``usage_at``. No I/O, no framework."""
