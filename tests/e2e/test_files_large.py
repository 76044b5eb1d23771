"""Large files go to pages and come out of them."""

import hashlib
import os
from pathlib import Path

import pytest

from tests.e2e.page_stage import staged, visiting

pytestmark = pytest.mark.slow

SIZE = 50 * 1024 * 1024
SUM = """
const file = document.querySelector('#in').files[0];
const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()));
return [...sum].map(byte => byte.toString(16).padStart(2, '0')).join('');
"""


def test_50_mib_go_to_a_page_and_come_back_from_it(tmp_path: Path) -> None:
    content = os.urandom(SIZE)
    with staged(tmp_path) as stage, visiting(stage) as visit:
        visit.api.post("/storage/uploads/large.bin", files={"file": ("x", content)}).raise_for_status()
        visit.show("<input type=file id=in><a id=out download=back.bin>out</a>")
        visit.act(type="upload_file", selector="#in", file_path="large.bin")
        digest = hashlib.sha256(content).hexdigest()
        assert visit.act(type="evaluate_js", code=f"(async () => {{{SUM}}})()")["data"]["markdown"] == digest
        visit.act(
            type="evaluate_js",
            code="document.querySelector('#out').href = URL.createObjectURL(document.querySelector('#in').files[0])",
        )
        visit.act(type="download_file", selector="#out")
        [file] = visit.api.get(f"{visit.path}/files").json()["files"]
        assert (file["filename"], file["size"], file["checksum"]) == ("back.bin", SIZE, digest)
