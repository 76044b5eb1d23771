"""What a client hears of downloads."""

import json

import pytest

from noctule.browser.relay.downloads import PROGRESS_PREFIX, without_folder

GUID = "0f1e2d3c-0000-4000-8000-000000000000"


def _event(path: str | None) -> bytes:
    params = {"guid": GUID, "totalBytes": 1, "receivedBytes": 1, "state": "completed"}
    if path is not None:
        params["filePath"] = path
    event = {"method": "Browser.downloadProgress", "params": params, "sessionId": "S"}
    return json.dumps(event, separators=(",", ":")).encode()


@pytest.mark.parametrize("folder", ["/dev/shm/noctule-1/s/files/", '/a "quoted\\" one/', "/\u00e4/\U0001f987/"])
def test_the_folder_is_not_named_and_the_message_keeps_its_length(folder: str) -> None:
    event = _event(folder + GUID)
    shown = without_folder(event)
    assert shown.startswith(PROGRESS_PREFIX)
    assert len(shown) == len(event)
    assert json.loads(shown) == json.loads(_event(GUID))


@pytest.mark.parametrize("path", [None, "", GUID])
def test_an_event_without_a_folder_stays_as_it_is(path: str | None) -> None:
    assert without_folder(_event(path)) == _event(path)
