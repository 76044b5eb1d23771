"""One browser behind one proxy for each module, and two sites: one that is allowed, one that is not."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from tests.e2e.egress.rig import LIMIT_SECONDS, Listener, browsing
from tests.support.origin import Origin


@pytest.fixture(scope="module")
def site() -> Iterator[Origin]:
    """A site that the browser may reach."""
    with Origin() as site:
        yield site


@pytest.fixture(scope="module")
def secret() -> Iterator[Origin]:
    """A site on this machine that it may not reach."""
    with Origin() as secret:
        yield secret


@pytest.fixture(scope="module")
def listener(site: Origin) -> Iterator[Listener]:
    listener = Listener(f"127.0.0.1:{site.port}", f"127.0.0.1:{site.tls_port}")
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def context(listener: Listener, playwright: Playwright) -> Iterator[BrowserContext]:
    with browsing(listener, playwright) as context:
        yield context


@pytest.fixture
def page(context: BrowserContext, secret: Origin) -> Iterator[Page]:
    """A fresh page; whatever it does, the secret site must have heard nothing at the end."""
    page = context.new_page()
    page.set_default_timeout(LIMIT_SECONDS * 1000)
    yield page
    page.close()
    assert secret.connections == 0
