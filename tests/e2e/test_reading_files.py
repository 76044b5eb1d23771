"""A tab that shows a file gives the file: its bytes, and what it says it is."""

import contextlib
from pathlib import Path

import pytest

from noctule.browser.commands import CommandFailed, Goto, ReadPage
from tests.e2e.acting_stage import Stage, staged
from tests.e2e.reading_stage import read
from tests.support.pages import Reply

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("notes.txt", "text/plain", "Field notes\n\nThe bats came out at dusk — forty of them.\n"),
        ("data.json", "application/json", '{"species": ["noctule", "serotine"], "count": 2}'),
    ],
)
def test_texts_are_given_as_they_are(path: str, kind: str, body: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open(path)
        answer = await read(stage)
        assert (answer.url, answer.content_type.partition(";")[0]) == (stage.site.url(path), kind)
        assert (answer.body.decode(), answer.tree) == (body, b"")

    staged(tmp_path, act)


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("text/csv", "a,b\n1,2\n", "text/csv"),
        ("text/xml", "<note>da</note>", "text/xml"),
        ("application/rss+xml", "<rss><channel><title>News</title></channel></rss>", "application/xml"),
        ("application/ld+json", "[1]", "application/ld+json"),
    ],
)
def test_other_texts_come_with_their_type(kind: str, text: str, told: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pages.replies["/file"] = Reply(text, headers={"Content-Type": kind})
        with contextlib.suppress(CommandFailed):
            # Some of these are downloads to a browser.
            await stage.run(Goto(stage.pages.url("/file")))
        answer = await read(stage)
        assert (answer.content_type.partition(";")[0], answer.body.decode()) == (told, text)

    staged(tmp_path, act)


def test_a_file_that_a_navigation_led_to_is_read_with_the_sessions_cookies(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.pages.replies["/"] = Reply("in", headers={"Set-Cookie": "who=ada"})
        stage.pages.replies["/report.pdf"] = Reply("%PDF-1.4 …", headers={"Content-Type": "application/pdf"})
        await stage.run(Goto(stage.pages.url("/")))
        with pytest.raises(CommandFailed, match="download"):
            await stage.run(Goto(stage.pages.url("/report.pdf")))
        answer = await read(stage)
        assert (answer.url, answer.content_type) == (stage.pages.url("/report.pdf"), "application/pdf")
        assert answer.body == "%PDF-1.4 …".encode()
        asked = [request for request in stage.pages.requests if request.path == "/report.pdf"]
        assert [request.headers.get("cookie") for request in asked] == ["who=ada", "who=ada"]
        await stage.run(Goto(stage.pages.url("/")))
        assert (await read(stage)).content_type == "text/html"

    staged(tmp_path, act)


@pytest.mark.parametrize(("path", "kind"), [("picture.png", "image/png"), ("tone.wav", "audio/wav")])
def test_what_holds_no_text_gives_its_type_alone(path: str, kind: str, tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.open(path)
        answer = await read(stage)
        assert (answer.content_type, answer.body, answer.tree) == (kind, b"", b"")

    staged(tmp_path, act)


def test_a_page_that_could_not_be_loaded_is_not_read(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        with pytest.raises(CommandFailed):
            await stage.run(Goto("http://127.0.0.1:9/"))
        assert (await stage.fails(ReadPage())).kind == "PageLoadingError"

    staged(tmp_path, act)
