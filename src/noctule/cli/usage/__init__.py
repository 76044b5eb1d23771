"""``noctule usage``: what was used, why it cost that, and whether the books are right.

Reads the database itself, so it works whether or not a server runs on it.
"""

import click

from noctule.cli.usage.audit import audit
from noctule.cli.usage.breakdown import show_breakdown
from noctule.cli.usage.explain import explain
from noctule.cli.usage.export import export
from noctule.cli.usage.forecast import forecast
from noctule.cli.usage.replay import replay
from noctule.cli.usage.show import show


@click.group()
def usage() -> None:
    """Look at what was used and at the books behind it."""


for command in (show, show_breakdown, explain, export, forecast, audit, replay):
    usage.add_command(command)
