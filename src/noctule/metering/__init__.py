"""Metering: usage events, the ledger that pays for them, leases, prices and plans."""
