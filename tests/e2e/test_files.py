"""Files up and down over a real server: sizes, names, parallel writers, clients that lie or leave, and the quota."""

import hashlib
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.support.file_names import BAD_NAMES, GOOD_NAMES
from tests.support.server import KEY, Server, running

pytestmark = pytest.mark.slow

MIB = 1024 * 1024


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose workspace may keep half a GiB."""
    environment = {"NOCTULE_FILES_QUOTA_GB": "0.5", "NOCTULE_WARM_POOL_SIZE": "1"}
    with running(tmp_path_factory.mktemp("files") / "data", environment) as server:
        yield server


@pytest.fixture
def session(files: Server) -> Iterator[str]:
    with files.client() as api:
        session_id = api.post("/sessions/start", json={}).raise_for_status().json()["session_id"]
        yield session_id
        api.delete(f"/sessions/{session_id}/stop")


def objects(server: Server) -> list[Path]:
    """Every file below the folder of files' objects, unfinished ones too."""
    return [path for path in (server.data_dir / "objects" / "files").rglob("*") if path.is_file()]


@pytest.mark.parametrize(("name", "size"), [("empty.bin", 0), ("one.bin", 1), ("99 MB ünïcödé 日本.bin", 99 * MIB)])
def test_a_file_comes_back_as_it_went(files: Server, session: str, name: str, size: int) -> None:
    content = os.urandom(size)
    with files.client() as api:
        sent = api.post(f"/storage/uploads/{quote(name)}", files={"file": (name, content)})
        assert sent.json() == {"success": True}, sent.text
        url = api.get(f"/storage/uploads/{quote(name)}").json()["url"]
        assert httpx.get(url, trust_env=False, timeout=60).content == content
        kept = api.post(f"/sessions/{session}/files", files={"file": (name, content)}).raise_for_status().json()
        assert (kept["filename"], kept["size"]) == (name, size)
        assert kept["checksum"] == hashlib.sha256(content).hexdigest()
        told = api.get(f"/sessions/{session}/files/{kept['id']}")
        assert told.content == content
        assert told.headers["content-length"] == str(size)
        assert api.delete(f"/sessions/{session}/files/{kept['id']}").status_code == 204
        assert api.get(f"/sessions/{session}/files/{kept['id']}").status_code == 404


def test_names_of_every_kind_come_back_byte_for_byte_or_are_refused(files: Server, session: str) -> None:
    with files.client() as api:
        for name in GOOD_NAMES:
            path = f"/storage/{session}/downloads/{quote(name, safe='')}"
            sent = api.post(path, files={"file": ("x", name.encode())})
            assert sent.status_code == 200, (name, sent.text)
            assert httpx.get(api.get(path).json()["url"], trust_env=False).content == name.encode()
        listed = api.get(f"/storage/{session}/downloads").json()["files"]
        assert sorted(file["name"] for file in listed) == sorted(GOOD_NAMES)
        before = objects(files)
        for name, why in BAD_NAMES.items():
            escaped = quote(name, safe="").replace(".", "%2E")
            for folder in ("/storage/uploads", f"/storage/{session}/downloads"):
                refused = api.post(f"{folder}/{escaped}", files={"file": ("x", b"x")})
                assert (refused.status_code, why in refused.json()["message"]) == (422, True), (name, refused.text)
        assert objects(files) == before
        top = {path.name for path in files.data_dir.iterdir()}
        assert top.isdisjoint({*GOOD_NAMES, "passwd", "boot.ini"})


def test_of_parallel_uploads_of_one_name_one_is_kept_whole(files: Server) -> None:
    contents = [bytes([65 + number]) * (3 * MIB + number) for number in range(8)]

    def send(content: bytes) -> int:
        with files.client() as api:
            return api.post("/storage/uploads/race.bin", files={"file": ("x", content)}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, contents)) == {200}
    with files.client() as api:
        kept = httpx.get(api.get("/storage/uploads/race.bin").json()["url"], trust_env=False).content
        [listed] = [file for file in api.get("/storage/uploads").json()["files"] if file["name"] == "race.bin"]
    assert kept in contents
    assert listed["size"] == len(kept)
    assert sum(path.stat().st_size in {len(content) for content in contents} for path in objects(files)) == 1


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_file_beyond_the_limit_is_refused_while_it_comes(files: Server, is_announced: bool) -> None:
    before = objects(files)
    boundary = b"b0undary"
    head = b'--b0undary\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(120):
            yield bytes(MIB)
        yield b"\r\n--" + boundary + b"--\r\n"

    headers = {"content-type": f"multipart/form-data; boundary={boundary.decode()}"}
    if is_announced:
        headers["content-length"] = str(len(head) + 120 * MIB + len(boundary) + 8)
    with files.client() as api:
        refused = api.post("/storage/uploads/large.bin", content=body(), headers=headers)
        assert refused.status_code == 413
        assert "100 MiB" in refused.json()["message"]
        assert api.get("/storage/uploads/large.bin").status_code == 404
    assert objects(files) == before


def test_a_client_that_leaves_in_the_middle_leaves_nothing(files: Server) -> None:
    before = objects(files)
    with socket.create_connection(("127.0.0.1", files.port), timeout=10) as raw:
        raw.sendall(
            f"POST /storage/uploads/half.bin HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
            f"content-type: multipart/form-data; boundary=b\r\ncontent-length: {50 * MIB}\r\n\r\n".encode()
            + b'--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n'
            + bytes(9 * MIB)
        )
        _until(lambda: len(objects(files)) > len(before))
    _until(lambda: objects(files) == before)
    with files.client() as api:
        assert api.get("/storage/uploads/half.bin").status_code == 404


def test_a_killed_server_leaves_nothing_unfinished_after_its_next_start(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", {"NOCTULE_WARM_POOL_SIZE": "0"})
    try:
        server.start()
        with server.client() as api:
            api.post("/storage/uploads/kept.bin", files={"file": ("x", b"kept")}).raise_for_status()
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
            raw.sendall(
                f"POST /storage/uploads/half.bin HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n"
                f"content-type: multipart/form-data; boundary=b\r\ncontent-length: {50 * MIB}\r\n\r\n".encode()
                + b'--b\r\ncontent-disposition: form-data; name="file"; filename="x"\r\n\r\n'
                + bytes(9 * MIB)
            )
            _until(lambda: len(objects(server)) == 2)
            server.kill()
        assert len(objects(server)) == 2
        server.start()
        assert [path.read_bytes() for path in objects(server)] == [b"kept"]
    finally:
        server.close()


def test_a_workspace_beyond_its_quota_is_told_so_until_it_makes_room(files: Server, session: str) -> None:
    content = bytes(90 * MIB)
    kept = []
    with files.client() as api:
        for number in range(7):
            sent = api.post(f"/sessions/{session}/files", files={"file": (f"{number}.bin", content)})
            if sent.status_code != 200:
                break
            kept.append(sent.json()["id"])
        assert sent.status_code == 409
        assert "0.5 GiB" in sent.json()["message"]
        assert len(kept) < 7
        again = api.post(f"/sessions/{session}/files", files={"file": ("0.bin", content)})
        assert again.status_code == 200, "a file may take the place of its own bytes"
        for file_id in (again.json()["id"], *kept[1:]):
            assert api.delete(f"/sessions/{session}/files/{file_id}").status_code == 204
        assert api.get(f"/sessions/{session}/files").json()["total"] == 0


def test_a_link_serves_parts_and_its_token_reaches_no_log(files: Server) -> None:
    content = bytes(range(256)) * 16
    with files.client() as api, httpx.Client(trust_env=False) as anybody:
        api.post("/storage/uploads/page.html", files={"file": ("x", content)}).raise_for_status()
        url = api.get("/storage/uploads/page.html").json()["url"]
        for asked, status, told in (
            ("bytes=0-9", 206, content[:10]),
            ("bytes=4000-", 206, content[4000:]),
            ("bytes=-5", 206, content[-5:]),
            ("bytes=0-0,2-3", 200, content),
            ("apples=1-2", 200, content),
            ("bytes=9999-", 416, b""),
        ):
            part = anybody.get(url, headers={"range": asked})
            assert (part.status_code, part.content) == (status, told), asked
        assert anybody.get(url, headers={"range": "bytes=4096-"}).headers["content-range"] == "bytes */4096"
        head = anybody.head(url)
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "4096")
        token = urlsplit(url).path.split("/")[2]
        for broken in (token[:-4], token[:-1] + ("A" if token[-1] != "A" else "B"), "x", token + "x"):
            assert anybody.get(f"{files.url}/files/{broken}/page.html").status_code in {404, 422}
    assert token not in files.log.read_text()


def _until(is_so: object, seconds: float = 15.0) -> None:
    assert callable(is_so)
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)
