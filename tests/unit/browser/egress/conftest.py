"""Every scenario on asyncio's own loop and on uvloop."""

import pytest

from tests.unit.browser.egress.wire import RUNNERS, Run


@pytest.fixture(params=RUNNERS, ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine to its end."""
    chosen: Run = request.param
    return chosen
