"""Every setting, typed, each with a sentence; environment prefix ``NOCTULE_``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from noctule.kit.money import parse_dollars


def _amount(text: str) -> str:
    if parse_dollars(text) < 0:
        raise ValueError("an amount is not negative")
    return text


Dollars = Annotated[str, AfterValidator(_amount)]
"""An amount such as ``0.50``; ``parse_dollars`` makes nano-dollars of it."""


def _default_data_dir() -> Path:
    return Path.home() / ".local" / "share" / "noctule"


class Settings(BaseSettings):
    """The settings of one server."""

    model_config = SettingsConfigDict(env_prefix="NOCTULE_", extra="ignore", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on; anything but loopback needs NOCTULE_API_KEY.")
    port: int = Field(8484, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: str | None = Field(None, description="The server's address as clients see it, behind a proxy say.")
    data_dir: Path = Field(default_factory=_default_data_dir, description="The folder that holds all state.")
    api_key: SecretStr | None = Field(None, description="Bootstrap key of the first workspace, 24 characters or more.")
    database_url: str | None = Field(None, description="PostgreSQL by URL; unset: SQLite in the data folder.")
    objects_url: str | None = Field(
        None, description="Where files are kept: s3://bucket/prefix; unset: a folder of the data folder."
    )
    objects_endpoint: str | None = Field(
        None, description="Where the bucket of NOCTULE_OBJECTS_URL is, if not at Amazon: http://127.0.0.1:9000, say."
    )
    files_quota_gb: float = Field(
        10.0, ge=0, description="GiB that all files of one workspace may have together; 0: any amount."
    )
    files_retention_days: int = Field(0, ge=0, description="Days after which a file is removed; 0: never.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much to log.")

    bootstrap_plan: str = Field("admin", description="Plan of the first workspace.")
    on_exhausted: Literal["stop", "finish"] = Field(
        "stop",
        description="At an empty balance sessions stop at the end of the paid minute, or finish.",
    )
    plans_file: Path | None = Field(
        None, description="A TOML file of plans and dated rates instead of the built-in one."
    )

    max_sessions: int = Field(50, ge=1, description="Live browsers on this machine; one more start answers 529.")
    warm_pool_size: int = Field(3, ge=0, description="Browsers kept launched and waiting.")
    launch_concurrency: int = Field(2, ge=1, description="Browsers that may launch at the same time.")
    acquire_timeout_seconds: float = Field(30.0, gt=0, description="How long a start waits for a browser before 529.")
    chromium_path: Path | None = Field(None, description="Full Chromium; unset: looked for on PATH.")
    headless_shell_path: Path | None = Field(None, description="chromium-headless-shell; unset: looked for on PATH.")
    sandbox: Literal["auto", "require", "off"] = Field(
        "auto", description="Chromium's sandbox: on where the machine allows it, on or refuse to start, or off."
    )
    browser_uid_base: int = Field(
        61200, ge=1000, description="First of the user ids that a server running as root gives to its browsers."
    )
    egress_allow: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="CIDRs, hosts or host:port, comma-separated, that browsers may reach although private."
    )
    proxy_pool_file: Path | None = Field(
        None, description="A TOML file with the operator's upstream proxies and their countries."
    )

    recording: bool = Field(
        True, description="Whether sessions are recorded that do not say; X-Noctule-Record at their start says."
    )
    ffmpeg_path: Path | None = Field(None, description="The ffmpeg that encodes recordings; unset: looked for on PATH.")
    replay_retention_days: float = Field(
        7.0, gt=0, le=3650, description="How many days a recording is kept after its session."
    )
    capture: Literal["off", "on", "bodies"] = Field(
        "on",
        description="What may be kept of sessions: nothing, requests, console, errors and the like, or bodies as well "
        "where a session asks for them.",
    )
    timeline_days: int = Field(7, ge=1, le=3650, description="Days for which what happened in sessions is kept.")
    profile_max_mb: int = Field(
        256, ge=1, le=4096, description="MiB that sites may have stored in one profile; a save of more is refused."
    )

    llm_model: str | None = Field(
        None, description="The model that reads pages and drives agents, as provider/model: openai/gpt-4o-mini, say."
    )
    llm_base_url: str | None = Field(
        None, description="Base URL of any OpenAI-compatible API; unset: the official one of the model's provider."
    )
    llm_api_key: SecretStr | None = Field(None, description="The key for that API, if it wants one.")
    llm_prices_file: Path | None = Field(
        None, description="A TOML file of model prices that come before the built-in ones."
    )
    llm_context_tokens: int | None = Field(
        None, ge=2000, description="Tokens that fit into the model's context; unset: what is known of it, or 32000."
    )
    llm_max_output_tokens: int = Field(8192, ge=16, description="Longest answer of a model, its reasoning included.")
    llm_timeout_seconds: float = Field(60.0, gt=0, le=600, description="How long a model may take for one reply.")
    llm_deadline_seconds: float = Field(
        120.0, gt=0, le=1200, description="How long one question to a model may take, with all its tries."
    )
    llm_max_tries: int = Field(4, ge=1, le=20, description="How often one call to a model is tried.")
    llm_max_cost_per_call: Dollars | None = Field(
        None, description="Most that one call to a model may cost at worst, in dollars; one that could cost more fails."
    )
    llm_max_cost_per_run: Dollars | None = Field(
        None, description="Most that all model calls of one scrape or one agent run may cost, in dollars."
    )

    @field_validator("egress_allow", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
