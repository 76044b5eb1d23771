"""``python -m noctule.db.new_migration "What changes"``: write a migration to what the tables should be.

The state before is what the existing migrations make of an empty SQLite database.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

import noctule.app.running  # noqa: F401  (every store registers its tables)
from noctule.db.migrate import alembic_config, migrate


def main() -> None:
    """Write one revision file named after the message."""
    message = " ".join(sys.argv[1:]).strip()
    if not message:
        raise SystemExit('say what changes: python -m noctule.db.new_migration "Add a table of webhooks"')
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'empty.db'}")
        migrate(engine)
        with engine.connect() as connection:
            config = alembic_config()
            config.attributes["connection"] = connection
            count = len(list((Path(__file__).parent / "migrations" / "versions").glob("*.py")))
            command.revision(config, message, autogenerate=True, rev_id=f"{count + 1:04d}")


if __name__ == "__main__":
    main()
