"""Rows and bytes are compared once an hour, and nobody waits for it."""

import asyncio
import logging

import pytest

from noctule.kit.errors import Unavailable
from noctule.objects.comparing import Hourly
from tests.support.clock import FrozenClock


def test_one_comparison_an_hour_and_one_at_a_time() -> None:
    async def main() -> None:
        clock, may_end, begun = FrozenClock(), asyncio.Event(), 0

        async def compare() -> None:
            nonlocal begun
            begun += 1
            await may_end.wait()

        hourly = Hourly(compare, "files", clock)
        for expected in (1, 1):
            hourly.look()
            await asyncio.sleep(0)
            assert begun == expected
            clock.advance(3600)
        may_end.set()
        await hourly.close()
        hourly.look()
        await hourly.close()
        hourly.look()
        await hourly.close()
        assert begun == 2

    asyncio.run(main())


@pytest.mark.parametrize("failure", [Unavailable("The bucket is away."), RuntimeError("a mistake")])
def test_a_comparison_that_fails_is_told_and_tried_again(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        clock, begun = FrozenClock(), 0

        async def compare() -> None:
            nonlocal begun
            begun += 1
            raise failure

        hourly = Hourly(compare, "files", clock)
        for _ in range(2):
            hourly.look()
            await hourly.close()
            clock.advance(3600)
        assert begun == 2

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    assert caplog.text.count("files") >= 2
