"""Names that people and programs give to files: those that are kept as they are, and those that are refused and why."""

GOOD_NAMES = [
    "a.txt",
    ".hidden",
    "...",
    " spaced  name ",
    "naïve 日本語 😀.pdf",
    "e\u0301 is not \u00e9",
    "100%25 & #1?.txt",
    "a;b=c\"d'e.txt",
    "CON",
    "-rf",
    "\u202egpj.exe",
    "x" * 255,
    "日" * 85,
]
BAD_NAMES = {
    "../etc/passwd": "no /",
    "..": "not . or ..",
    ".": "not . or ..",
    "a/b": "no /",
    "a/": "no /",
    "..\\boot.ini": "no /",
    "line\nbreak": "control characters",
    "break\n": "control characters",
    "bell\x07": "control characters",
    "x" * 256: "at most 255 bytes",
    "日" * 86: "at most 255 bytes",
}
