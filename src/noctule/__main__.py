"""``python -m noctule`` is ``noctule``."""

from noctule.cli.main import main

main()
