"""``noctule``: the commands, put together."""

import click

from noctule import __version__
from noctule.cli.budgets import budgets
from noctule.cli.db import db
from noctule.cli.demo import demo
from noctule.cli.doctor import doctor
from noctule.cli.keys import keys
from noctule.cli.plans import plans
from noctule.cli.serve import serve
from noctule.cli.usage import usage
from noctule.cli.webhooks import webhooks
from noctule.cli.workspaces import workspaces


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="noctule")
def main() -> None:
    """Noctule: the browser cloud you run yourself.

    Settings come from the environment (NOCTULE_…); docs/reference/settings.md lists them.
    """


for command in (serve, demo, doctor, workspaces, keys, plans, usage, budgets, webhooks, db):
    main.add_command(command)
