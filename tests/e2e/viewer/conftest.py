"""A person's browser, and sessions that they look at."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.viewer.stage import FIRST_PAGE, Remote
from tests.support.origin import Origin
from tests.support.server import Server

SHELL = "/usr/bin/chromium-headless-shell"


@pytest.fixture(scope="package")
def persons_browser() -> Iterator[Browser]:
    """The browser of the person who looks, no part of the server."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=SHELL, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def remote(server: Server, origin: Origin, persons_browser: Browser) -> Iterator[Remote]:
    """A live session on a page that tells what is done to it."""
    origin.page("/viewed", FIRST_PAGE)
    with Remote(server, origin, persons_browser) as remote:
        remote.act(type="goto", url=origin.url + "viewed")
        yield remote


@pytest.fixture(scope="package")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures for people are put: ``E2E_OUTPUT``, or a folder of pytest's."""
    given = os.environ.get("E2E_OUTPUT")
    folder = Path(given) if given else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
