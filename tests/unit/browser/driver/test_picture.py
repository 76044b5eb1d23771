"""Reading the size of a JPEG."""

import binascii

import pytest

from noctule.browser.driver.picture import size
from tests.support.fleet import JPEG


def test_width_and_height_are_read_from_the_frame_header() -> None:
    assert size(JPEG) == (2, 2)


@pytest.mark.parametrize("garbage", [b"", b"\x89PNG", JPEG[:100]])
def test_what_is_no_jpeg_is_refused(garbage: bytes) -> None:
    with pytest.raises(binascii.Error):
        size(garbage)
