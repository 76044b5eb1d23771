#!/bin/sh
# Installs this checkout into the virtual environment $1, so that `noctule` runs the code as it stands.
# The build tools come from the lock file, so nothing is downloaded here.
set -eu
"$1/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --no-deps --no-build-isolation -e .
