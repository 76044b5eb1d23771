"""Secrets under one key file: tokens that only we can have written, and data that only we can read.

The file holds 32 random bytes, readable by the owner alone, made once. Signing and sealing use keys
derived from it, so neither use can weaken the other; a ``purpose`` is bound into both, so what was made
for one use opens nothing in another. What is too large to be held at once is sealed as a stream
(``sealed_stream.py``). Losing the file loses what was sealed and ends every token.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from noctule.kit.sealed_stream import StreamOpener, StreamSealer

_FILE = "secret.key"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_SIGNED_V1 = b"\x01"
_SEALED_V1 = b"\x01"
_LONGEST_TOKEN = 4096


class Sealer:
    """Signs and seals under one secret."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != _KEY_BYTES:
            raise ValueError(f"the secret must be {_KEY_BYTES} bytes, not {len(secret)}")
        self._signing = _derived(secret, b"noctule/sign/1")
        self._aead = AESGCM(_derived(secret, b"noctule/seal/1"))
        self._streams = _derived(secret, b"noctule/stream/1")

    @classmethod
    def load(cls, data_dir: Path) -> "Sealer":
        """The sealer of a data folder; its key file is made if there is none.

        Raises ``ValueError`` for a file of the wrong length, ``OSError`` if it cannot be read or made.
        """
        path = data_dir / _FILE
        try:
            return cls(path.read_bytes())
        except FileNotFoundError:
            pass
        data_dir.mkdir(parents=True, exist_ok=True)
        _create(path)
        return cls(path.read_bytes())

    def sign(self, purpose: str, payload: bytes) -> str:
        """A URL-safe token that carries the payload in the clear and proves that we wrote it."""
        body = _SIGNED_V1 + payload
        return base64.urlsafe_b64encode(self._mac(purpose, body) + body).rstrip(b"=").decode()

    def verify(self, purpose: str, token: str) -> bytes | None:
        """The payload of a token of ours for this purpose; ``None`` for anything else."""
        if len(token) > _LONGEST_TOKEN:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        size = hashlib.sha256().digest_size
        mac, body = raw[:size], raw[size:]
        if not body.startswith(_SIGNED_V1) or not hmac.compare_digest(mac, self._mac(purpose, body)):
            return None
        return body[len(_SIGNED_V1) :]

    def seal(self, purpose: str, data: bytes) -> bytes:
        """The data, encrypted and authenticated; 29 bytes longer."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _SEALED_V1 + nonce + self._aead.encrypt(nonce, data, purpose.encode())

    def open(self, purpose: str, blob: bytes) -> bytes:
        """What ``seal`` was given for the same purpose.

        Raises ``ValueError`` if the blob was sealed for another purpose, under another key, or changed.
        """
        nonce, sealed = blob[1 : 1 + _NONCE_BYTES], blob[1 + _NONCE_BYTES :]
        if not blob.startswith(_SEALED_V1) or len(sealed) < _TAG_BYTES:
            raise ValueError("not sealed data")
        try:
            return self._aead.decrypt(nonce, sealed, purpose.encode())
        except InvalidTag:
            raise ValueError("sealed for another purpose, under another key, or changed since") from None

    def seal_stream(self, purpose: str) -> StreamSealer:
        """Seals one stream, chunk by chunk."""
        return StreamSealer(self._streams, purpose)

    def open_stream(self, purpose: str) -> StreamOpener:
        """Opens one stream that was sealed for the same purpose."""
        return StreamOpener(self._streams, purpose)

    def _mac(self, purpose: str, body: bytes) -> bytes:
        # The length keeps a purpose that ends like a body from standing for another pair.
        name = purpose.encode()
        return hmac.digest(self._signing, len(name).to_bytes(4, "big") + name + body, "sha256")


def _derived(secret: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=_KEY_BYTES, salt=None, info=use).derive(secret)


def _create(path: Path) -> None:
    """Make the key file whole or not at all; of two makers at once, the first one's stays."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink(missing_ok=True)
