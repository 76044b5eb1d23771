"""Hypothesis for the properties: a profile, and a seed that every run prints.

``NOCTULE_SEED=n`` repeats a run; ``HYPOTHESIS_PROFILE=deep`` looks much longer.
"""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.properties.seeds import SEED

_COMMON = settings(deadline=None, print_blob=True, suppress_health_check=list(HealthCheck), database=None)
settings.register_profile("fast", _COMMON, max_examples=15, stateful_step_count=25)
settings.register_profile("deep", _COMMON, max_examples=500, stateful_step_count=60)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to repeat this run."""
    terminalreporter.write_line(f"properties ran with NOCTULE_SEED={SEED}")
