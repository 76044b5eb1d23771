#!/bin/sh
# Pins the newest versions of requirements/*.in anew: with hashes, for every platform, without index addresses.
# The resolver lives in a temporary environment; it asks the package index that pip is configured for.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check uv
index=$("$work/venv/bin/pip" config get global.index-url 2>/dev/null || true)

# httpx2-jsfetch is for Python inside a browser alone, where no server runs.
pin() {
    name=$1
    shift
    "$work/venv/bin/uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
        ${index:+--default-index "$index"} --no-emit-index-url --no-emit-package httpx2-jsfetch "$@" \
        "requirements/$name.in" -o "requirements/$name.lock"
}

pin runtime
# The checks run on the very versions that the server ships with.
pin dev --constraint requirements/runtime.lock
pin sdk-1.8.20
pin sdk-1.10.0
pin s3-server
# Its pages alone are served; what the package imports is not installed.
pin miniwob --no-deps
