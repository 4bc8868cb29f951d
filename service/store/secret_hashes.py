"""The hash by which a secret of high entropy is stored and found."""

from __future__ import annotations

import hashlib


def digest(secret: str) -> str:
    """Return the SHA-256 of any text, in hexadecimal digits.

    It needs no salt and no work: nobody can guess 32 random bytes. Passwords are hashed elsewhere.
    """
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()
