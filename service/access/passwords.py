"""Passwords, hashed with argon2id.

Biryukov, Dinu, Khovratovich and Josefsson, "Argon2 Memory-Hard Function for Password Hashing and
Proof-of-Work Applications", RFC 9106, 2021.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.errors import WeakPasswordError

MIN_CHARACTERS, MAX_CHARACTERS = 12, 1_000
"""NIST SP 800-63B-4 asks for 15 of a password alone; here attempts are slowed, too. Long ones cost work."""

HASHER = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)
"""A tenth of a second each; OWASP's Password Storage Cheat Sheet asks for at least two passes over 19 MiB."""


def hashed(password: str) -> str:
    """Return the salted hash of a new password.

    Raises
    ------
    WeakPasswordError
        If it is shorter or longer than a password may be.
    """
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        raise WeakPasswordError(MIN_CHARACTERS, MAX_CHARACTERS)
    return HASHER.hash(_bytes_of(password))


def fits(password: str, stored: str | None) -> bool:
    """Whether a password is the one of a stored hash.

    Without a stored hash it is compared all the same, so that the time tells nobody which names exist.
    """
    try:
        is_right = HASHER.verify(stored or _of_nobody(), _bytes_of(password[:MAX_CHARACTERS]))
    except (VerificationError, InvalidHashError):
        return False
    return is_right and bool(stored)


def _bytes_of(password: str) -> bytes:
    """Return the same bytes for the same letters, however they were composed (RFC 8265, section 4.2)."""
    return unicodedata.normalize("NFC", password).encode(errors="surrogatepass")


@cache
def _of_nobody() -> str:
    return HASHER.hash(b"nobody has this password")
