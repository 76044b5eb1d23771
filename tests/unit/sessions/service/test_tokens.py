"""A token opens one session for one use until the session's last possible minute."""

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from noctule.kit.seal import Sealer
from noctule.sessions.domain import Session, Status
from noctule.sessions.service import Use, tokens
from tests.support.clock import FrozenClock

SEALER = Sealer(bytes(range(32)))
NOW = FrozenClock().now()
SESSION = Session(
    id="0b8a5d9e-0000-4000-8000-000000000001",
    workspace_id="w",
    key_id="k",
    status=Status.ACTIVE,
    created_at=NOW,
    last_accessed_at=NOW,
    idle_timeout_minutes=3,
    max_duration_minutes=15,
    browser_type="chromium",
    headless=True,
    solve_captchas=False,
    use_file_storage=False,
    web_bot_auth=False,
    proxies=False,
)


@pytest.mark.parametrize(("made", "asked"), product(Use, Use))
def test_a_token_opens_its_own_use_alone(made: Use, asked: Use) -> None:
    token = tokens.new_token(made, SESSION, SEALER)
    assert tokens.opens(token, SESSION.id, SEALER, NOW, asked) is (made is asked)


def test_a_token_opens_its_own_session_until_it_cannot_live_any_more() -> None:
    token = tokens.new_token(Use.VIEW, SESSION, SEALER)
    assert tokens.opened(token, Use.VIEW, SEALER, NOW) == SESSION.id
    assert not tokens.opens(token, replace(SESSION, id="another").id, SEALER, NOW, Use.VIEW)
    assert tokens.opened(token, Use.VIEW, SEALER, NOW + timedelta(minutes=15)) == SESSION.id
    assert tokens.opened(token, Use.VIEW, SEALER, NOW + timedelta(minutes=16)) is None
    assert tokens.opened(token, Use.VIEW, Sealer(bytes(32)), NOW) is None
    assert tokens.opened("", Use.VIEW, SEALER, NOW) is None


@pytest.mark.parametrize(
    ("root", "viewer", "stream"),
    [
        ("http://h:8484", "http://h:8484/viewer?session=", "ws://h:8484"),
        ("https://h/api/", "https://h/api/viewer?session=", "wss://h/api"),
    ],
)
def test_addresses_stand_under_the_root_that_the_client_called(root: str, viewer: str, stream: str) -> None:
    url = tokens.viewer_url(root, SESSION, SEALER)
    assert url.startswith(viewer)
    # Embedders append their options.
    assert "?" in url
    assert tokens.opens(url.partition("&token=")[2], SESSION.id, SEALER, NOW, Use.INTERACT)
    assert tokens.websocket_root(root) == stream
