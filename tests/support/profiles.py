"""Profiles on a real database, put together as ``app`` does."""

from obstore.store import MemoryStore

from noctule.db.engine import Database
from noctule.kit.clock import Clock
from noctule.kit.seal import Sealer
from noctule.objects.store import ObjectStore
from noctule.profiles.service import Holding, ProfileService, Versions


def in_memory() -> ObjectStore:
    """A store of objects for one test."""
    return ObjectStore(MemoryStore(), None)  # type: ignore[arg-type]


def build_profiles(
    database: Database,
    clock: Clock,
    sealer: Sealer,
    objects: ObjectStore,
    *,
    instance_id: str = "server",
    boot_id: str = "boot-1",
    most_bytes: int = 1024 * 1024,
) -> ProfileService:
    """The service over these objects."""
    versions = Versions(database, clock, sealer, objects)
    holding = Holding(
        database=database,
        clock=clock,
        versions=versions,
        instance_id=instance_id,
        boot_id=boot_id,
        most_bytes=most_bytes,
    )
    return ProfileService(database=database, clock=clock, versions=versions, holding=holding)
