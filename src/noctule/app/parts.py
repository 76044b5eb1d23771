"""Parts that are made of settings alone."""

import asyncio
import logging
from pathlib import Path

from noctule.browser.egress.policy import EgressPolicy
from noctule.browser.launcher import Launcher
from noctule.browser.node import Node
from noctule.browser.recording import Ffmpeg, NoEncoder, Recordings
from noctule.kit.ids import new_id
from noctule.kit.money import parse_dollars
from noctule.llm.assembly import ModelSettings
from noctule.llm.gateway import Limits
from noctule.profiles.service import Versions
from noctule.settings import Settings

log = logging.getLogger(__name__)

_MIB = 1024**2


def model_settings(settings: Settings) -> ModelSettings:
    """What the settings say about models."""

    def nanos(amount: str | None) -> int | None:
        return None if amount is None else parse_dollars(amount)

    return ModelSettings(
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key.get_secret_value() if settings.llm_api_key else None,
        model=settings.llm_model,
        prices_file=settings.llm_prices_file,
        context_tokens=settings.llm_context_tokens,
        limits=Limits(
            timeout_seconds=settings.llm_timeout_seconds,
            deadline_seconds=settings.llm_deadline_seconds,
            max_tries=settings.llm_max_tries,
            max_output_tokens=settings.llm_max_output_tokens,
            max_cost_per_call_nanos=nanos(settings.llm_max_cost_per_call),
            max_cost_per_run_nanos=nanos(settings.llm_max_cost_per_run),
        ),
    )


async def find_recordings(settings: Settings) -> Recordings | None:
    """What films sessions; ``None``, and one line that says why, where nothing can."""
    try:
        ffmpeg = await asyncio.to_thread(Ffmpeg.find, settings.ffmpeg_path)
    except NoEncoder as error:
        if settings.recording:
            log.warning("sessions are not recorded: %s", error)
        return None
    return Recordings(settings.data_dir / "recordings", ffmpeg, is_default=settings.recording)


def build_node(settings: Settings, policy: EgressPolicy, recordings: Recordings | None, archives: Versions) -> Node:
    """The browsers of this machine."""
    launcher = Launcher(
        data_dir=settings.data_dir,
        headless_shell=settings.headless_shell_path,
        chromium=settings.chromium_path,
        sandbox=settings.sandbox,
        uid_base=settings.browser_uid_base,
        concurrency=settings.launch_concurrency,
    )
    return Node(
        launcher=launcher,
        policy=policy,
        max_sessions=settings.max_sessions,
        warm_pool_size=settings.warm_pool_size,
        launch_concurrency=settings.launch_concurrency,
        recordings=recordings,
        archives=archives,
        profile_most_bytes=settings.profile_max_mb * _MIB,
    )


def read_instance_id(data_dir: Path) -> str:
    """Which server this is, across its boots: made once, kept in the data folder."""
    path = data_dir / "instance"
    if not path.exists():
        path.write_text(new_id())
    return path.read_text().strip()
