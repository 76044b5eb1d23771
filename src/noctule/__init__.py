"""Noctule: the browser cloud you run yourself."""

__version__ = "0.1.0"

API_VERSION = "1.4.40"
"""The version of the Notte REST API that this server speaks (``info.version`` of the contract)."""
