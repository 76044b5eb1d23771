"""Exchanges in the form that other tools read; no I/O."""

from noctule.network.domain.har import Har

__all__ = ["Har"]
