"""``python -m tests.support.asking_a_model CONTENT SCHEMA``: one extraction, as a server with these settings does it.

Begins like a server does: what an earlier boot left out becomes unknown first. Prints the outcome as JSON.
"""

import asyncio
import json
import sys

from noctule.app.bridges import MeterCharging
from noctule.app.parts import model_settings
from noctule.db.engine import Database
from noctule.kit.clock import SystemClock
from noctule.kit.ids import new_id
from noctule.llm.assembly import build_gateway
from noctule.llm.protocol import Payer
from noctule.llm.structured import structured
from noctule.metering.book import PriceBook
from noctule.metering.service import Metering
from noctule.settings import Settings
from tests.support.llm import FakeKeys


async def main(content: str, schema: str) -> None:
    """Ask, and print."""
    settings, clock, boot_id = Settings(), SystemClock(), new_id()
    assert settings.database_url is not None
    database = Database(settings.database_url)
    metering = Metering(clock, PriceBook.built_in(), instance_id="one", boot_id=boot_id)
    gateway = build_gateway(
        model_settings(settings),
        database=database,
        clock=clock,
        charging=MeterCharging(metering),
        keys=FakeKeys(),
        instance_id="one",
        boot_id=boot_id,
    )
    await gateway.recover()
    outcome = await structured(gateway, Payer("a"), content, schema=json.loads(schema))
    await gateway.close()
    database.close()
    print(json.dumps({"success": outcome.success, "error": outcome.error, "data": outcome.data}))


asyncio.run(main(sys.argv[1], sys.argv[2]))
