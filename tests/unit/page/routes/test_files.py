"""``POST execute/file``: what newer clients send for files alone."""

from typing import Any

import pytest

from noctule.browser.commands import File, RemoteFile, UploadFile
from tests.support.files import FakeFiles
from tests.unit.page.house import FORM, PAGE, Server

ACTION = {"type": "upload_file", "selector": "#send", "file_path": "a.txt", "category": "Interaction Actions"}


def served(*files: File) -> Server:
    """The tag with these files, and a form in its page."""
    server = Server(FakeFiles(*files))
    server.fleet.page.nodes = FORM
    return server


def given(server: Server) -> Any:
    """The file that the browser was last given."""
    _, command = server.fleet.commands[-1]
    assert isinstance(command, UploadFile)
    return command.file


def test_the_file_of_the_id_is_given_and_the_action_is_echoed() -> None:
    server = served(File("an-id", b"by id"), File("a.txt", b"by name"))
    reply = server.post(f"{PAGE}/execute/file", json={"action": ACTION, "target_id": "an-id"})
    assert (reply.status_code, reply.json()["success"]) == (200, True), reply.text
    assert reply.json()["action"]["file_path"] == "a.txt"
    assert given(server).content == b"by id"
    assert len(server.sessions.steps) == 1


def test_a_target_that_is_no_file_leaves_it_to_the_name() -> None:
    server = served(File("a.txt", b"by name"))
    body = {"action": ACTION, "target_id": "0123456789ABCDEF", "record": False}
    assert server.post(f"{PAGE}/execute/file", json=body).json()["success"]
    assert given(server).content == b"by name"
    assert server.sessions.steps == []


def test_a_download_is_carried_out_too() -> None:
    server = served()
    action = {"type": "download_file", "selector": "#send"}
    reply = server.post(f"{PAGE}/execute/file", json={"action": action, "target_id": "x"}).json()
    assert reply["message"] == "Downloaded from Send. It is kept as 'report.csv'."


@pytest.mark.parametrize(
    "body",
    [
        {"action": ACTION},
        {"action": ACTION, "target_id": ""},
        {"action": ACTION, "target_id": "x" * 257},
        {"action": {"type": "click", "selector": "#send"}, "target_id": "x"},
        {"action": ACTION, "target_id": "x", "other": 1},
        {"target_id": "x"},
    ],
)
def test_what_cannot_be_meant_is_refused(body: dict[str, Any]) -> None:
    server = served()
    assert server.post(f"{PAGE}/execute/file", json=body).status_code == 422
    assert server.fleet.commands == []


@pytest.mark.parametrize("name", [" a .txt ", "ftp://x", "C:https://x"])
def test_a_name_is_looked_for_as_it_is(name: str) -> None:
    server = served(File(name, b"x"))
    assert server.act(ACTION | {"file_path": name}).json()["success"]
    assert given(server) == File(name, b"x")


def test_an_address_goes_to_the_browser() -> None:
    server = served()
    assert server.act(ACTION | {"file_path": " https://a.b/c.pdf "}).json()["success"]
    assert given(server) == RemoteFile("https://a.b/c.pdf")
