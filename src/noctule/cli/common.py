"""What the commands share: settings, and the services that work on the database alone.

Commands open the database themselves, so they work whether or not a server runs on it.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import click
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from noctule.app.places import database_url, load_book
from noctule.db.engine import Database
from noctule.db.migrate import migrate
from noctule.kit.clock import SystemClock
from noctule.kit.errors import NoctuleError
from noctule.metering.service import Metering
from noctule.settings import Settings
from noctule.webhooks.service import MessageOutbox
from noctule.workspaces.service import WorkspaceService


@dataclass(frozen=True, slots=True)
class Offline:
    """The services that need no browser."""

    database: Database
    metering: Metering
    workspaces: WorkspaceService


def load_settings() -> Settings:
    """The settings of the environment; a bad one ends the command with a plain sentence."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [
            f"NOCTULE_{'.'.join(str(part) for part in item['loc']).upper()}: {item['msg']}" for item in error.errors()
        ]
        raise click.ClickException("\n".join(lines)) from None


@contextmanager
def offline() -> Iterator[Offline]:
    """Open the database of the settings for one command; errors of ours become plain sentences."""
    settings = load_settings()
    with plain_sentences(), closing(Database(database_url(settings), patient=True)) as database:
        migrate(database.engine)
        clock = SystemClock()
        outbox = MessageOutbox(clock)
        metering = Metering(clock, load_book(settings), instance_id="cli", boot_id="cli", outbox=outbox)
        yield Offline(database, metering, WorkspaceService(database, clock, metering))


@contextmanager
def plain_sentences() -> Iterator[None]:
    """End the command with one sentence, not a traceback, for whatever its settings or machine can be at fault for."""
    try:
        yield
    except SQLAlchemyError as error:
        # The driver's own words; SQLAlchemy's add the statement, or a link.
        reason = str(getattr(error, "orig", None) or error)
        raise click.ClickException(f"The database cannot be used: {reason} (`noctule doctor` says more.)") from error
    except (NoctuleError, RuntimeError, ValueError, OSError) as error:
        raise click.ClickException(getattr(error, "message", None) or str(error)) from error
