"""The files of a profile: which are kept, and what an archive may not do."""

import gzip
import io
import os
import random
import tarfile
import tracemalloc
from pathlib import Path

import pytest

from noctule.browser.profile.archive import BadArchive, Entry, contents, hosts, pack, unpack

MOST = 10 * 1024 * 1024


def _write(path: Path, data: bytes = b"data") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _tar(*members: tuple[tarfile.TarInfo, bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for head, data in members:
            head.size = len(data)
            archive.addfile(head, io.BytesIO(data))
    out.seek(0)
    return out


def _link(kind: bytes, name: str, target: str) -> tarfile.TarInfo:
    head = tarfile.TarInfo(name)
    head.type, head.linkname = kind, target
    return head


def test_site_data_is_kept_and_caches_logs_and_the_rest_are_not(tmp_path: Path) -> None:
    kept = ("IndexedDB/https_example.com_0.indexeddb.leveldb/000003.log", "Local Storage/leveldb/CURRENT",
            "Service Worker/ScriptCache/index", "WebStorage/QuotaManager", "File System/000/t/00/1")  # fmt: skip
    left = ("Cookies", "History", "Cache/Cache_Data/data_0", "GPUCache/data_1", "Session Storage/000003.log",
            "Local Storage/leveldb/LOCK", "Local Storage/leveldb/LOG")  # fmt: skip
    for name in (*kept, *left):
        _write(tmp_path / name)
    assert sorted(entry.name for entry in contents(tmp_path)) == sorted(kept)


def test_links_and_pipes_in_a_profile_are_not_followed(tmp_path: Path) -> None:
    _write(tmp_path / "outside" / "secret", b"secret")
    default = tmp_path / "Default"
    _write(default / "IndexedDB" / "real")
    (default / "IndexedDB" / "file").symlink_to(tmp_path / "outside" / "secret")
    (default / "IndexedDB" / "folder").symlink_to(tmp_path / "outside")
    os.mkfifo(default / "IndexedDB" / "pipe")
    (default / "Storage").symlink_to(tmp_path / "outside")
    assert [entry.name for entry in contents(default)] == ["IndexedDB/real"]


def test_what_is_packed_comes_back_byte_for_byte(tmp_path: Path) -> None:
    files = {
        "IndexedDB/a/empty": b"",
        "IndexedDB/a/small": b"x",
        "IndexedDB/a/noise": random.Random(1).randbytes(700_001),
        "IndexedDB/a/text": b"the same again " * 50_000,
        "Local Storage/leveldb/" + "ä" * 80 + "/" + "n" * 120: b"a long name",
        "Service Worker/CacheStorage/x/more noise": random.Random(2).randbytes(512),
    }
    for name, data in files.items():
        _write(tmp_path / "one" / name, data)
    entries = contents(tmp_path / "one")
    packed = b"".join(pack(tmp_path / "one", entries))
    assert len(packed) < 800_000
    size = unpack(io.BytesIO(packed), tmp_path / "two", uid=None, most_bytes=MOST)
    assert size == sum(map(len, files.values()))
    assert {entry.name: (tmp_path / "two" / entry.name).read_bytes() for entry in contents(tmp_path / "two")} == files
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "two").rglob("*"))


def test_a_folder_can_be_left_out(tmp_path: Path) -> None:
    for name in ("IndexedDB/a", "Local Storage/b"):
        _write(tmp_path / "one" / name)
    packed = b"".join(pack(tmp_path / "one", contents(tmp_path / "one")))
    unpack(io.BytesIO(packed), tmp_path / "two", uid=None, most_bytes=MOST, without=("Local Storage",))
    assert [entry.name for entry in contents(tmp_path / "two")] == ["IndexedDB/a"]


def test_hosts_are_told_by_their_databases() -> None:
    names = (
        "IndexedDB/https_example.com_0.indexeddb.leveldb/CURRENT",
        "IndexedDB/http_127.0.0.1_8080.indexeddb.blob/1/a",
        "IndexedDB/https_example.com_0.indexeddb.blob/1/00/2",
        "Local Storage/leveldb/CURRENT",
    )
    assert hosts([Entry(name, 1) for name in names]) == ("127.0.0.1", "example.com")


@pytest.mark.parametrize(
    "archive",
    [
        _tar((tarfile.TarInfo("IndexedDB/../../evil"), b"x")),
        _tar((tarfile.TarInfo("/IndexedDB/evil"), b"x")),
        _tar((tarfile.TarInfo("evil"), b"x")),
        _tar((tarfile.TarInfo("Cookies/evil"), b"x")),
        _tar((_link(tarfile.SYMTYPE, "IndexedDB/link", "/etc"), b"")),
        _tar((_link(tarfile.LNKTYPE, "IndexedDB/link", "IndexedDB/a"), b"")),
        _tar((_link(tarfile.CHRTYPE, "IndexedDB/device", ""), b"")),
        _tar((_link(tarfile.DIRTYPE, "IndexedDB/folder", ""), b"")),
        _tar((tarfile.TarInfo("IndexedDB/a"), b"x"), (tarfile.TarInfo("IndexedDB/a"), b"y")),
        _tar((tarfile.TarInfo("IndexedDB/a"), b"x"), (tarfile.TarInfo("IndexedDB/a/b"), b"y")),
        _tar((tarfile.TarInfo("IndexedDB/a"), bytes(MOST + 1))),
        io.BytesIO(b"no archive at all"),
        io.BytesIO(gzip.compress(b"no tar at all" * 100)),
        io.BytesIO(_tar((tarfile.TarInfo("IndexedDB/a"), random.Random(1).randbytes(5000))).read()[:2000]),
        io.BytesIO(b""),
    ],
    ids=["dots", "absolute", "no folder", "another folder", "symlink", "hard link", "device", "folder", "twice",
         "file and folder", "too large", "no gzip", "no tar", "cut off", "empty"],
)  # fmt: skip
def test_an_archive_that_is_not_one_of_ours_is_refused_and_writes_nothing_outside(
    archive: io.BytesIO, tmp_path: Path
) -> None:
    archive.seek(0)
    with pytest.raises(BadArchive):
        unpack(archive, tmp_path / "Default", uid=None, most_bytes=MOST)
    assert [path.name for path in tmp_path.iterdir()] in (["Default"], [])


def test_a_large_profile_is_packed_and_unpacked_in_little_memory(tmp_path: Path) -> None:
    _write(tmp_path / "one" / "IndexedDB" / "blob", random.Random(1).randbytes(30 * 1024 * 1024))
    archive = tmp_path / "archive"
    tracemalloc.start()
    with archive.open("wb") as file:
        for piece in pack(tmp_path / "one", contents(tmp_path / "one")):
            file.write(piece)
    with archive.open("rb") as source:
        unpack(source, tmp_path / "two", uid=None, most_bytes=40 * 1024 * 1024)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 1024 * 1024


def test_a_file_that_shrinks_while_it_is_packed_is_no_archive(tmp_path: Path) -> None:
    _write(tmp_path / "IndexedDB" / "a", b"abc")
    with pytest.raises(BadArchive):
        list(pack(tmp_path, [Entry("IndexedDB/a", 5)]))
