#!/bin/sh
# Makes the virtual environment $1, if it is not there, and installs exactly what the lock file $2 pins, by hash.
# Needs Python 3.11 or newer; as root on Debian it installs what is missing, else it says what to install.
set -eu
directory=$1
lock=$2

fail() {
    echo "$*" >&2
    exit 1
}

apt_install() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing Debian packages: $*"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    else
        fail "Noctule needs: sudo apt-get install $*"
    fi
}

find_python() {
    # A pyenv shim answers for versions that are not installed, so each is asked to run.
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14}; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
}

if ! "$directory/bin/python" -c 'import pip' >/dev/null 2>&1; then
    python=$(find_python)
    if [ -z "$python" ]; then
        apt_install python3 python3-venv
        python=$(find_python)
        [ -n "$python" ] || fail "Noctule needs Python 3.11 or newer; name it: make run PYTHON=/path/to/python3.11"
    fi
    # Debian keeps ensurepip in a package of its own.
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        apt_install "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
    fi
    "$python" -m venv --clear "$directory"
fi

echo "Installing the packages of $lock into $directory"
"$directory/bin/python" -m pip install --quiet --no-input --disable-pip-version-check --require-hashes -r "$lock"
