"""What a profile costs: a start with 20 MiB of site data, and saving it, as ratios to Playwright doing the like.

References, measured in turn with ours so that the machine's drift falls on all: a start without a profile that cannot
come from the warm pool either; Playwright's ``launch_persistent_context`` on a fresh copy of a user data directory
with the same data, to its first page; its ``storage_state``, its close and a copy of the directory, not compressed, not
sealed and not synced, after the same visit. Nothing is measured while the warm pool fills.

    python -m bench.profiles [--rounds 10] [--mib 20]
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import BrowserContext, Playwright, async_playwright

from bench._support import ratio, show
from tests.support.login_site import LoginSite, serving_login_site
from tests.support.server import Server

_FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync"]  # fmt: skip

# Noise, which nothing makes smaller, and some text.
_FILL = """(async () => {
  await signIn("Ada");
  const noise = await (await fetch("/fill?kib=%d")).blob();
  const database = await opened();
  const transaction = database.transaction("things", "readwrite");
  transaction.objectStore("things").put({ id: 3, noise });
  for (let id = 1000; id < 1000 + %d; id++)
    transaction.objectStore("things").put({ id, text: `entry ${id} of the log `.repeat(500) });
  await done(transaction);
  database.close();
  return "filled";
})()"""


class _Ours:
    def __init__(self, client: httpx.AsyncClient, site: LoginSite) -> None:
        self._client = client
        self._site = site

    async def _json(self, method: str, path: str, body: Any = None) -> Any:
        return (await self._client.request(method, path, json=body)).raise_for_status().json()

    async def create(self) -> str:
        profile_id: str = (await self._json("POST", "/profiles/create", {}))["profile_id"]
        return profile_id

    async def settle(self) -> None:
        """Let the warm pool be full, and whatever ended be gone."""
        while True:
            await asyncio.sleep(0.5)
            browsers = (await self._client.get("/ready")).json()["browsers"]
            if browsers["warm"] >= browsers["warm_target"]:
                return

    async def start(self, **wishes: Any) -> tuple[str, float]:
        began = time.perf_counter()
        session_id = (await self._json("POST", "/sessions/start", wishes))["session_id"]
        return session_id, time.perf_counter() - began

    async def js(self, session_id: str, code: str) -> str:
        await self._execute(session_id, type="goto", url=self._site.url())
        text: str = (await self._execute(session_id, type="evaluate_js", code=code))["data"]["markdown"]
        return text

    async def save(self, session_id: str) -> float:
        began = time.perf_counter()
        await self._json("POST", f"/sessions/{session_id}/profile/save", {})
        return time.perf_counter() - began

    async def stop(self, session_id: str, profile_id: str | None = None) -> tuple[float, float]:
        """How long the answer took, and how long it took until the profile could be read."""
        began = time.perf_counter()
        await self._json("DELETE", f"/sessions/{session_id}/stop")
        answered = time.perf_counter() - began
        if profile_id is not None:
            # Waits for the save that is under way.
            await self._json("GET", f"/profiles/{profile_id}/cookies")
        return answered, time.perf_counter() - began

    async def _execute(self, session_id: str, **action: Any) -> Any:
        done = await self._json("POST", f"/sessions/{session_id}/page/execute", action)
        assert done["success"], done
        return done


async def _persistent(playwright: Playwright, binary: str, folder: Path) -> BrowserContext:
    context = await playwright.chromium.launch_persistent_context(
        folder, executable_path=binary, args=_FLAGS, chromium_sandbox=False
    )
    if not context.pages:
        await context.new_page()
    return context


async def _theirs(playwright: Playwright, binary: str, original: Path, url: str) -> tuple[float, float]:
    """How long a start on a copy takes, and a save of its state with the end of the browser."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        began = time.perf_counter()
        folder = Path(place, "copy")
        await asyncio.to_thread(shutil.copytree, original, folder)
        context = await _persistent(playwright, binary, folder)
        started = time.perf_counter() - began
        await context.pages[0].goto(url)
        began = time.perf_counter()
        await context.storage_state(path=Path(place, "state.json"), indexed_db=False)
        await context.close()
        await asyncio.to_thread(shutil.copytree, folder, Path(place, "kept"))
        return started, time.perf_counter() - began


def _size(paths: Iterable[Path]) -> float:
    """MiB."""
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1024**2


async def run(rounds: int, mib: int) -> None:
    """Measure and print."""
    binary = shutil.which("chromium-headless-shell")
    assert binary is not None
    fill = _FILL % (mib * 1024, mib * 10)
    with serving_login_site() as site, tempfile.TemporaryDirectory() as place:
        server = Server(Path(place, "data"), {"NOCTULE_EGRESS_ALLOW": site.allow}).start()
        try:
            async with (
                async_playwright() as playwright,
                httpx.AsyncClient(
                    base_url=server.url,
                    headers=dict(server.client().headers),
                    timeout=60,
                    trust_env=False,
                ) as client,
            ):
                ours = _Ours(client, site)
                profile_id = await ours.create()
                session_id, _ = await ours.start(profile={"id": profile_id, "persist": True})
                assert await ours.js(session_id, fill) == "filled"
                await ours.stop(session_id, profile_id)

                original = Path(place, "original")
                context = await _persistent(playwright, binary, original)
                await context.pages[0].goto(site.url())
                assert await context.pages[0].evaluate(fill) == "filled"
                await context.close()
                size = _size((server.data_dir / "objects").rglob("*.files"))
                print(f"archive {size:.1f} MiB, user data directory {_size(original.rglob('*')):.1f} MiB")

                samples: dict[str, list[float]] = {}

                def note(**seconds: float) -> None:
                    for name, value in seconds.items():
                        samples.setdefault(name, []).append(value)

                empty = await ours.create()
                for _ in range(rounds):
                    await ours.settle()
                    session_id, warm = await ours.start(profile={"id": empty})
                    await ours.stop(session_id)
                    await ours.settle()
                    session_id, cold = await ours.start(chrome_args=["--lang=en-GB"])
                    await ours.stop(session_id)
                    await ours.settle()
                    session_id, with_profile = await ours.start(profile={"id": profile_id, "persist": True})
                    assert "note of Ada" in await ours.js(session_id, "tell()")
                    saved = await ours.save(session_id)
                    answered, kept = await ours.stop(session_id, profile_id)
                    await ours.settle()
                    reference, reference_saved = await _theirs(playwright, binary, original, site.url())
                    note(warm=warm, cold=cold, with_profile=with_profile, saved=saved, answered=answered, kept=kept,
                         reference=reference, reference_saved=reference_saved)  # fmt: skip
                show("start, empty profile (warm pool)", samples["warm"])
                show("start, no profile, its own launch", samples["cold"])
                show(f"start, profile of {mib} MiB", samples["with_profile"])
                show("Playwright: copy, launch_persistent_context", samples["reference"])
                show("profile/save of a session that goes on", samples["saved"])
                show("stop with persist, until it is answered", samples["answered"])
                show("stop with persist, until it is saved", samples["kept"])
                show("Playwright: storage_state, close, copy", samples["reference_saved"])
                ratio("start with a profile / its own launch", samples["with_profile"], samples["cold"])
                ratio("start with a profile / Playwright", samples["with_profile"], samples["reference"])
                ratio("save at the end / Playwright", samples["kept"], samples["reference_saved"])
        finally:
            server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--mib", type=int, default=20)
    arguments = parser.parse_args()
    asyncio.run(run(arguments.rounds, arguments.mib))
