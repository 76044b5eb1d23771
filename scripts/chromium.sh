#!/bin/sh
# Sees to it that there is a Chromium: the one that is there, else Debian's, installed if we are root.
set -eu

is_usable() {
    # Ubuntu's package of that name only points to a snap, whose confinement hides our folders from it.
    path=$(command -v "$1") && ! head -c 65536 "$path" | grep -aq '/snap/' && [ "$(basename "$(readlink -f "$path")")" != snap ]
}

found() {
    [ -n "${NOCTULE_CHROMIUM_PATH:-}${NOCTULE_HEADLESS_SHELL_PATH:-}" ] && return
    for name in chromium-headless-shell chrome-headless-shell headless_shell chromium chromium-browser \
        google-chrome-stable google-chrome; do
        is_usable "$name" && return
    done
    [ -x /opt/google/chrome/google-chrome ]
}

found && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium, which takes a minute"
    apt-get update -qq
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-liberation >/dev/null 2>&1 || true
    apt-get install -y -qq --no-install-recommends chromium fonts-liberation >/dev/null || true
    found && exit 0
fi

cat >&2 <<'TEXT'
No Chromium was found. Install one:
  Debian:  sudo apt-get install chromium-headless-shell chromium fonts-liberation
  Ubuntu:  its chromium is a snap, which cannot see Noctule's folders; install Google Chrome's .deb package
or name one: export NOCTULE_CHROMIUM_PATH=/path/to/chrome
TEXT
exit 1
