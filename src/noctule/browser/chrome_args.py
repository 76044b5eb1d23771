"""Which command line arguments of Chromium a session may bring along.

A session's arguments run on the operator's machine. Whatever starts a program, names a file of the server,
opens a listener, weakens the sandbox or leads around the egress proxy must be refused, in Chromium versions
that nobody has seen yet as well. So a name is judged by the words it is made of, and a value must not look
like a path or an address unless the name is known to take harmless text; only what passes all of that is
let through. The arguments that we set ourselves come later on the command line and win besides.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

COUNT_LIMIT = 64
LENGTH_LIMIT = 2048

FEATURE_LISTS = ("enable-features", "disable-features", "enable-blink-features", "disable-blink-features")

# What people bring along from other places: harmless although a word of theirs is not.
_HARMLESS = frozenset(
    {
        "allow-running-insecure-content",
        "disable-breakpad",
        "disable-component-extensions-with-background-pages",
        "disable-component-update",
        "disable-crash-reporter",
        "disable-background-networking",
        "disable-default-apps",
        "disable-extensions",
        "disable-logging",
        "disable-plugins",
        "disable-print-preview",
        "disable-remote-fonts",
        "disable-remote-playback-api",
        "ignore-certificate-errors",
        "no-service-autorun",
        "test-type",
        "use-mock-keychain",
    }
)

# Harmless as long as the whole value matches.
_HARMLESS_VALUES = {
    "autoplay-policy": re.compile(r"[a-z-]+"),
    "ignore-certificate-errors-spki-list": re.compile(r"[A-Za-z0-9+/=,]+"),
    "js-flags": re.compile(
        r"(?:(?:^|[ ,]+)--(?:no-)?(?:expose[-_]gc|jitless|lite[-_]mode|max[-_]old[-_]space[-_]size=\d+))+"
    ),
    "log-level": re.compile(r"\d"),
    "password-store": re.compile(r"basic"),
    "unsafely-treat-insecure-origin-as-secure": re.compile(r"(?:(?:^|,)http://[A-Za-z0-9.:-]+)+"),
    "user-agent": re.compile(r"[\x20-\x7e]*"),
}

_REFUSED_NAMES = {
    **dict.fromkeys(("help", "product-version", "version"), "ends the browser at once"),
    **dict.fromkeys(("no-startup-window", "silent-launch"), "leaves the browser without its first page"),
    **dict.fromkeys(("in-process-gpu", "single-process", "type"), "takes a sandbox away"),
    "enable-unsafe-webgpu": "opens the graphics driver to pages",
}

_REFUSED_WORDS = {
    "names a file or folder of the server": (
        "cert certificate certs database dir directories directory dirs dump file filename files folder homedir "
        "keychain keystore lib library module path paths pdf print printer printing save screenshot seed store"
    ),
    "writes logs, traces or dumps on the server": (
        "crash crashes crashpad breakpad heap log logging logs memlog minidump netlog perfetto profiler profiling "
        "record replay trace tracing"
    ),
    "starts a program or loads code": (
        "app application applications apps cmd command component components exec execute extension extensions install "
        "installer launcher load messaging mojo nacl native pack pepper plugin plugins ppapi prefix register "
        "subprocess uninstall update updater wrapper"
    ),
    "opens a listener or hands over a channel": (
        "address addresses channel debug debugger debugging devtools fd handle inspect inspector ipc listen listener "
        "pipe pipes port ports remote repl rpc server servers service services socket sockets stdin stdout"
    ),
    "decides where traffic goes": (
        "auth bypass cloud connect dns doh gssapi host hosts kerberos negotiate net network networking ntlm pac "
        "proxies proxy quic resolver spnego ssl stun tls turn url urls webrtc winhttp"
    ),
    "weakens a sandbox": "elevated namespace privilege sandbox sandboxed sandboxing seccomp setuid suid zygote",
    "is no business of a session": (
        "benchmarking dialog dialogs enterprise fieldtrial fieldtrials management policies policy profile test testing "
        "tests variations"
    ),
}
_REASON_BY_WORD = {word: reason for reason, words in _REFUSED_WORDS.items() for word in words.split()}

_REFUSED_FEATURE = re.compile(
    r"(?i)sandbox|mojo|proxy|dns|webrtc|quic|netlog|isolatedwebapp|directsocket|networkservice"
)
_FEATURE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_ARGUMENT = re.compile(r"--([A-Za-z0-9][A-Za-z0-9-]*)(?:=(.*))?", re.DOTALL)
_PATH_LIKE = re.compile(r"[/\\~%]|\.\.|\bfile|^data:|[\x00-\x1f\x7f]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SessionArguments:
    """A session's arguments after judgement: ``plain`` as they go on the command line, and the names of each
    feature list, which Chromium reads only once a command line, by the list's name."""

    plain: tuple[str, ...]
    features: dict[str, tuple[str, ...]]


def judge(arguments: Sequence[str]) -> SessionArguments:
    """Let a session's arguments pass, or not.

    Raises ``ValueError`` with a sentence that names the first argument that is refused, and why.
    """
    if len(arguments) > COUNT_LIMIT:
        raise ValueError(f"at most {COUNT_LIMIT} chrome_args are accepted, not {len(arguments)}")
    plain: list[str] = []
    features: dict[str, list[str]] = {}
    for argument in arguments:
        name, value = _split(argument)
        if name in FEATURE_LISTS:
            features.setdefault(name, []).extend(_feature_names(name, value or ""))
        else:
            if (reason := _objection(name, value)) is not None:
                raise ValueError(f"--{name} is not accepted in chrome_args: it {reason}")
            plain.append(argument)
    return SessionArguments(tuple(plain), {name: tuple(names) for name, names in features.items()})


def _split(argument: str) -> tuple[str, str | None]:
    found = _ARGUMENT.fullmatch(argument) if len(argument) <= LENGTH_LIMIT else None
    if found is None:
        raise ValueError(
            f"{argument[:60]!r} is not accepted in chrome_args: each must read --name or --name=value "
            f"and have at most {LENGTH_LIMIT} characters"
        )
    return found[1], found[2]


def _objection(name: str, value: str | None) -> str | None:
    lowered = name.lower()
    if (reason := _REFUSED_NAMES.get(lowered)) is not None:
        return reason
    if (allowed := _HARMLESS_VALUES.get(lowered)) is not None:
        return None if allowed.fullmatch(value or "") else f"takes no value like {(value or '')[:60]!r} here"
    if lowered not in _HARMLESS:
        for word in lowered.split("-"):
            if (reason := _REASON_BY_WORD.get(word)) is not None:
                return reason
    if value is not None and _PATH_LIKE.search(value):
        return "has a value that looks like a file or an address"
    return None


def _feature_names(name: str, value: str) -> list[str]:
    names = [part.strip() for part in value.split(",") if part.strip()]
    for feature in names:
        if not _FEATURE.fullmatch(feature):
            raise ValueError(f"--{name} takes plain names in chrome_args, not {feature[:60]!r}")
        if _REFUSED_FEATURE.search(feature):
            raise ValueError(f"--{name}={feature} is not accepted in chrome_args: it concerns isolation or egress")
    return names
