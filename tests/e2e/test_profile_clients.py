"""Profiles through the official SDKs, unmodified."""

from pathlib import Path

import pytest

from tests.e2e.profile_stage import TOLD, staged
from tests.support import clients
from tests.support.server import KEY

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("version", clients.SDK_VERSIONS)
def test_the_official_sdk_comes_back_logged_in(version: str, tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        seen = clients.run_sdk_script(version, stage.server.url, KEY, "sdk_profiles.py", stage.site.url())
    assert seen["sdk"] == version
    profile_id, name, domains = seen["created"]
    assert profile_id.startswith("notte-profile-")
    assert len(profile_id) == 30
    assert (name, domains) == ("of the SDK", [])
    assert seen["signed_in"] == "signed in"
    assert seen["told"] == TOLD
    assert seen["domains"] == ["127.0.0.1"]
    assert (seen["listed"], seen["listed_otherwise"]) == (True, 0)
    assert (seen["deleted"], seen["gone"], seen["unknown"]) == (True, 400, 404)
    if version != "1.8.20":
        assert seen["saved"] == ["in between", ["127.0.0.1"]]
        assert seen["copied"] == ["seen", "sid"]
