"""The seed of this run: a fresh one, or that of ``NOCTULE_SEED`` to repeat a run that failed."""

import os
import secrets

SEED = int(os.environ.get("NOCTULE_SEED") or secrets.randbelow(2**32))
