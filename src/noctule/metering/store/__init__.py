"""Metering's tables and queries: rows in, domain out. Nothing here commits.

``tables`` has the tables, ``books`` loads and saves what a
posting needs, ``leases`` the leases, ``reading`` everything that only looks.
"""
