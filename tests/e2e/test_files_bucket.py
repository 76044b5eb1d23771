"""Files over a real server that keeps them in a bucket."""

import os
from pathlib import Path

import httpx
import pytest

from tests.support import s3
from tests.support.server import running

pytestmark = pytest.mark.slow


def test_files_are_kept_in_a_bucket_and_read_from_there(tmp_path: Path, s3_server: s3.S3) -> None:
    bucket = s3_server.bucket()
    content = os.urandom(23 * 1024 * 1024)
    settings = {**bucket.environment, "NOCTULE_WARM_POOL_SIZE": "0"}
    with running(tmp_path / "data", settings) as server, server.client() as api:
        for name in ("../x", "a.bin"):
            sent = api.post(f"/storage/uploads/{name.replace('/', '%2F')}", files={"file": ("x", content)})
            assert sent.status_code == (200 if name == "a.bin" else 422)
        url = api.get("/storage/uploads/a.bin").json()["url"]
        assert url.startswith(server.url)
        with httpx.Client(trust_env=False) as anybody:
            assert anybody.get(url).content == content
            assert anybody.get(url, headers={"range": "bytes=-7"}).content == content[-7:]
        [kept] = bucket.stored()
        assert kept.startswith("some/where/files/")
        api.post("/storage/uploads/a.bin", files={"file": ("x", b"second")}).raise_for_status()
        assert len(bucket.stored()) == 1
        assert kept not in bucket.stored()
        assert not (server.data_dir / "objects").exists()


def test_a_server_whose_bucket_is_away_says_so_and_keeps_no_row(tmp_path: Path, s3_server: s3.S3) -> None:
    settings = {**s3_server.bucket().environment, "NOCTULE_OBJECTS_URL": "s3://gone/x", "NOCTULE_WARM_POOL_SIZE": "0"}
    with running(tmp_path / "data", settings) as server, server.client() as api:
        refused = api.post("/storage/uploads/a.bin", files={"file": ("x", b"hello")})
        assert refused.status_code == 503
        assert s3.SECRET_KEY not in refused.text + server.log.read_text()
        assert api.get("/storage/uploads").json() == {"files": []}
