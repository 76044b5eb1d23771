"""``python sdk_files.py SITE_URL FOLDER``: takes files to pages and out of them with the official SDK that is installed.

The API's address and key are in ``NOTTE_API_URL`` and ``NOTTE_API_KEY``, as for any user. ``SITE_URL`` is the root
of the test site, ``FOLDER`` an empty one to work in. Prints one JSON object on standard output.
"""

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from notte_sdk import NotteClient

NAME = "night walk 日本.bin"
CONTENT = bytes(range(256)) * 4096
CHOSEN = "return [...document.querySelector('#visible').files].map(f => f.name + ' ' + f.size).join()"


def main(site: str, folder: str) -> dict[str, Any]:
    result: dict[str, Any] = {"sdk": version("notte-sdk")}
    given = Path(folder) / NAME
    given.write_bytes(CONTENT)
    client = NotteClient()
    if result["sdk"] == "1.8.20":
        storage = client.FileStorage()
        session = client.Session(storage=storage, idle_timeout_minutes=2)
    else:
        session = client.Session(idle_timeout_minutes=2)
    session.start()
    try:
        storage = session.storage
        storage.upload(str(given))
        storage.upload(str(given), upload_file_name="other.bin")
        session.execute(type="goto", url=f"{site}uploads.html")
        sent = session.execute(type="upload_file", selector="#visible", file_path=NAME)
        result["uploaded"] = [sent.success, session.execute(type="evaluate_js", code=CHOSEN).data.markdown]
        missing = session.execute(type="upload_file", selector="#visible", file_path="none.bin", raise_on_failure=False)
        result["missing"] = [missing.success, missing.message]
        session.execute(type="goto", url=f"{site}popups.html")
        for selector in ("#download-header", "#download-blob"):
            session.execute(type="download_file", selector=selector)
        result |= older(storage, folder) if result["sdk"] == "1.8.20" else newer(storage, folder)
    finally:
        session.stop()
    return result


def older(storage: Any, folder: str) -> dict[str, Any]:
    """By name."""
    uploads, downloads = storage.list_uploaded_files(), storage.list_downloaded_files()
    read = {}
    for file in downloads:
        storage.download(file_name=file.name, local_dir=folder)
        read[file.name] = (Path(folder) / file.name).read_text()
    try:
        storage.download(file_name="never.bin", local_dir=folder)
        failure = ""
    except Exception as error:
        failure = type(error).__name__
    return {
        "uploads": [[file.name, file.size, file.file_ext] for file in uploads],
        "downloads": [[file.name, file.size] for file in downloads],
        "read": read,
        "failure": failure,
    }


def newer(storage: Any, folder: str) -> dict[str, Any]:
    """By id."""
    uploads, downloads = storage.list(source="user_upload"), storage.list(source="session_download")
    read = {}
    for file in downloads.files:
        read[file.filename] = Path(storage.download(file.id, folder, force=True)).read_text()
    back = Path(storage.download(uploads.files[0].id, folder, force=True)).read_bytes()
    storage.delete(uploads.files[0].id)
    try:
        storage.download(uploads.files[0].id, folder)
        failure = ""
    except Exception as error:
        failure = type(error).__name__
    return {
        "uploads": [[file.filename, file.size, Path(file.filename).suffix] for file in uploads.files],
        "downloads": [[file.filename, file.size] for file in downloads.files],
        "checksums": [uploads.files[0].checksum, hashlib.sha256(back).hexdigest()],
        "read": read,
        "failure": failure,
        "total": storage.list().total,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2])))
