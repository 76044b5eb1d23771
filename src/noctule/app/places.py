"""Where a server keeps what it has, as its settings say. The command line needs no more than this."""

from noctule.metering.book import PriceBook
from noctule.objects.store import ObjectStore
from noctule.settings import Settings


class CannotStart(RuntimeError):
    """The settings, or the machine, do not let the server start; the message says why and what helps."""


def database_url(settings: Settings) -> str:
    """Where the state is: the configured database, or SQLite in the data folder."""
    return settings.database_url or f"sqlite:///{settings.data_dir / 'noctule.db'}"


def open_objects(settings: Settings) -> ObjectStore:
    """Where files are kept: the configured bucket, or a folder of the data folder. Raises ``CannotStart``."""
    options = {"endpoint": settings.objects_endpoint} if settings.objects_endpoint else {}
    try:
        return ObjectStore.at(settings.objects_url or settings.data_dir / "objects", options)
    except (ValueError, OSError) as error:
        raise CannotStart(f"Files cannot be kept where NOCTULE_OBJECTS_URL says. {error}") from None


def load_book(settings: Settings) -> PriceBook:
    """The rates and plans in force."""
    return PriceBook.load(settings.plans_file) if settings.plans_file else PriceBook.built_in()
