"""``python sdk_downloads.py SITE_URL FOLDER``: brings files with the official SDK that is installed, and has them.

The API's address and key are in ``NOTTE_API_URL`` and ``NOTTE_API_KEY``, as for any user. ``SITE_URL`` is the root
of the site of downloads. Prints one JSON object on standard output: the SHA-256 of each file by its name.
"""

import hashlib
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from notte_sdk import NotteClient

COUNT = 3
SECONDS = 15.0


def main(site: str, folder: Path) -> dict[str, Any]:
    client = NotteClient()
    storage = client.FileStorage() if hasattr(client, "FileStorage") else None
    options = {} if storage is None else {"storage": storage}
    with client.Session(max_duration_minutes=5, idle_timeout_minutes=2, **options) as session:
        session.execute(type="goto", url=site)
        session.execute(type="click", selector="#attachment")
        session.execute(type="click", selector="#blob")
        asked = session.execute(type="download_file", selector="#pdf")
        deadline = time.monotonic() + SECONDS
        while len(names := listed(client, session)) < COUNT and time.monotonic() < deadline:
            time.sleep(0.1)
        for name, file_id in names.items():
            download(session, name, file_id, folder)
    hashes = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    return {"sdk": version("notte-sdk"), "asked": asked.message, "files": hashes}


def listed(client: NotteClient, session: Any) -> dict[str, str]:
    """The downloads of the session: their ids, for newer clients, by name."""
    if version("notte-sdk") == "1.8.20":
        return {file.name: file.name for file in client.files.list_downloaded_files(session.session_id)}
    return {file.filename: file.id for file in session.storage.list(source="session_download").files}


def download(session: Any, name: str, file_id: str, folder: Path) -> None:
    """Have one."""
    if version("notte-sdk") == "1.8.20":
        assert session.storage.download(name, str(folder))
    else:
        session.storage.download(file_id, str(folder))


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
