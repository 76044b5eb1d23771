"""Whether Chromium's sandbox really is in force: asked of the kernel, not of the command line.

A renderer is sandboxed when a seccomp filter is on it and it lives in namespaces of its own.
"""

import os
import re
import time

from noctule.browser import procfs
from noctule.browser.commands import SandboxLevel

_RENDERER_DEADLINE_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.01
_YOUNG_SECONDS = 2.0
_FILTERED = 2
# What Chromium says before it gives up; its other lines may name the sandbox without blaming it.
_BLAME = re.compile(r"No usable sandbox|without --no-sandbox|FATAL:[^\]]*(?:sandbox|credentials)")

REMEDY = (
    "Allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1 on Debian, "
    "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu; in Docker, a seccomp profile that allows them)."
)
_STRENGTH = {"none": 0, "unknown": 1, "setuid": 2, "namespace": 3}

UNKNOWN = SandboxLevel("unknown", "No browser has been started yet.")
SWITCHED_OFF = SandboxLevel("none", "Chromium's sandbox is switched off by NOCTULE_SANDBOX=off.")


class SandboxMissing(RuntimeError):
    """NOCTULE_SANDBOX=require, and this machine cannot give Chromium a sandbox."""


def inspect(group: int) -> SandboxLevel:
    """The level that the first renderer of that process group runs at; waits up to five seconds for one."""
    deadline = time.monotonic() + _RENDERER_DEADLINE_SECONDS
    while time.monotonic() < deadline:
        for process in procfs.processes():
            if process.group == group and process.is_alive and _is_renderer(process.pid):
                level = _level(process.pid)
                if level is not None:
                    return level
        time.sleep(_LOOK_AGAIN_SECONDS)
    return SandboxLevel("unknown", "The browser has started no renderer whose sandbox could be looked at.")


def _is_renderer(pid: int) -> bool:
    return any("--type=renderer" in argument for argument in procfs.arguments(pid))


def _level(pid: int) -> SandboxLevel | None:
    renderer = procfs.status(pid)
    if renderer is None:
        return None
    if renderer.seccomp != _FILTERED:
        # A renderer that has just been forked has not put its filter on yet; ask again until the deadline.
        return None if _is_young(pid) else SandboxLevel("none", "Renderers run without a seccomp filter.")
    theirs, ours = procfs.user_namespace(pid), procfs.user_namespace(os.getpid())
    nested = renderer.namespace_depth > 1
    if nested and (theirs is None or theirs != ours):
        return SandboxLevel(
            "namespace", "Renderers run under a seccomp filter in user and pid namespaces of their own."
        )
    if nested:
        return SandboxLevel("setuid", "Renderers run under a seccomp filter in a pid namespace of their own.")
    return SandboxLevel("none", "Renderers run under a seccomp filter but in the namespaces of the browser.")


def _is_young(pid: int) -> bool:
    started = procfs.started_ticks(pid)
    if started is None:
        return True
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started / os.sysconf("SC_CLK_TCK") < _YOUNG_SECONDS


def is_to_blame(stderr: str) -> bool:
    """Whether a browser that ended at once said that its sandbox was why."""
    return _BLAME.search(stderr) is not None


def missing(reason: str) -> SandboxLevel:
    """The level of browsers that had to be started without a sandbox because of ``reason``."""
    return SandboxLevel("none", f"Chromium cannot set up its sandbox here ({reason}); pages run without one. {REMEDY}")


def weakest(levels: list[SandboxLevel]) -> SandboxLevel:
    """The weakest of several levels; unknown if there are none."""
    return min(levels, key=lambda level: _STRENGTH[level.level], default=UNKNOWN)
