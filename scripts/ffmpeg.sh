#!/bin/sh
# Sees to it that there is an ffmpeg, which encodes recordings: the one that is there, else Debian's, installed if we are root.
# Without one everything but recording works, so this never fails.
set -eu

[ -n "${NOCTULE_FFMPEG_PATH:-}" ] && exit 0
command -v ffmpeg >/dev/null && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ffmpeg, which takes a minute"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || true
    apt-get install -y -qq --no-install-recommends ffmpeg >/dev/null || true
    command -v ffmpeg >/dev/null && exit 0
fi

cat >&2 <<'TEXT'
No ffmpeg was found, so sessions are not recorded. Install one (Debian: sudo apt-get install ffmpeg),
or name one: export NOCTULE_FFMPEG_PATH=/path/to/ffmpeg
TEXT
