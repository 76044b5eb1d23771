"""With ``NOCTULE_NO_SKIPS=1``, as CI sets it, a skipped test is a failed one.

Tests skip where a program is missing (PostgreSQL, Node.js, the SDK's environments), which is kind on a laptop and a
silent hole in CI. Load it with ``pytest_plugins``.
"""

import os
from collections.abc import Generator

import pytest

_STRICT = os.environ.get("NOCTULE_NO_SKIPS") == "1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test into its failure."""
    report = yield
    if _STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = _sentence(call)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into its failure."""
    report = yield
    if _STRICT and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, and NOCTULE_NO_SKIPS=1 allows no skips"
    return report


def _sentence(call: pytest.CallInfo[None]) -> str:
    reason = call.excinfo.value if call.excinfo else "for no reason given"
    return f"skipped ({reason}), and NOCTULE_NO_SKIPS=1 allows no skips"
