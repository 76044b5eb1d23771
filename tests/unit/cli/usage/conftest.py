"""The books that every test of ``noctule usage`` begins with."""

from pathlib import Path

import pytest

from tests.unit.cli.usage import books


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A folder with a workspace that has used one minute and 1,000 proxied bytes."""
    return books.made(tmp_path / "data")
