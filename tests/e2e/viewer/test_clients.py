"""The calls of both official SDKs that show a session, unmodified; what they would open is opened."""

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.viewer.stage import FIRST_PAGE, Person
from tests.support import clients
from tests.support.origin import Origin
from tests.support.server import KEY, Server

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_shows_sessions(version: str, server: Server, origin: Origin) -> None:
    origin.page("/viewed", FIRST_PAGE)
    page_url = origin.url + "viewed"
    found = clients.run_sdk_script(version, server.url, KEY, "sdk_viewer.py", page_url)

    assert found["sdk"] == version
    assert found["viewer"].startswith(f"{server.url}/viewer?session=")
    assert found["browser"] == found["viewer"]
    assert found["cdp"] == found["debug_url"]
    assert found["cdp"].startswith(f"{server.url}/devtools/")
    assert [url.partition("?")[0].rpartition("/")[2] for url in found["ws"]] == ["cdp", "recording", "logs"]
    assert found["tabs"] == [[0, "First page", page_url]]
    assert found["tab"] == ["First page", True, True]
    assert found["offset"] == 1
    assert found["picture"] is True
    assert found["viewer_url_after"] is None
    assert KEY not in str(found)


def test_a_viewer_that_is_left_open_while_the_server_restarts_says_so_and_ends(
    tmp_path_factory: pytest.TempPathFactory, origin: Origin, persons_browser: Browser
) -> None:
    allowed = {"NOCTULE_EGRESS_ALLOW": f"127.0.0.1:{origin.port}"}
    server = Server(tmp_path_factory.mktemp("restarting") / "data", allowed)
    try:
        server.start()
        with server.client() as api:
            session = api.post("/sessions/start", json={}).json()
        context = persons_browser.new_context()
        page = context.new_page()
        page.goto(session["viewer_url"])
        person = Person(page).sees_it_live()
        server.kill()
        expect(person.page.locator("#status-text")).to_have_text("Connecting", timeout=10_000)
        server.start()
        expect(person.page.locator("#curtain-title")).to_have_text("This session has ended", timeout=20_000)
        context.close()
    finally:
        server.close()
