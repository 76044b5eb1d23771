"""Loops that only call a service: the ticker and the reaper."""
