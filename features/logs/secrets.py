"""Makes example lines fit to be shown, by masking what could harm a customer."""

from __future__ import annotations

import re
from typing import Final

MAX_SHOWN: Final = 500
"""Characters of an example line."""

HIDDEN: Final = "<secret>"

_NAMED = re.compile(
    r"(?i)\b([\w-]{0,32}(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|credential|session[_-]?id"
    r"|cookie|authorization|cvv|pin)[\w-]{0,16}[\"']?\s{0,3}[:=]\s{0,3}[\"']?)(?:bearer\s{1,3}|basic\s{1,3})?[^\s\"',;&})\]]+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s{1,3}[A-Za-z0-9._~+/=-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]{2,}){0,2}")
_URL_LOGIN = re.compile(r"://[^/\s:@]{1,64}:[^/\s@]{1,128}@")
_NUMBER = re.compile(r"(?<![\w.])\+?\d(?:[ -]?\d){6,22}[Xx]?(?!\w)")
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")


def mask_secrets(line: str) -> str:
    """A line cut to 500 characters, with tokens, passwords, card, phone and ID numbers and addresses masked.

    A number of seven or more digits counts as personal, unless it is part of a word: masking too much of an
    example is the better mistake.

    >>> mask_secrets("login 13812345678 with token=abc123 card 6222 0212 3456 7890")
    'login <number> with token=<secret> card <number>'
    """
    shown = line[: MAX_SHOWN * 2]
    shown = _URL_LOGIN.sub(f"://{HIDDEN}@", shown)
    shown = _NAMED.sub(lambda found: found.group(1) + HIDDEN, shown)
    shown = _BEARER.sub(lambda found: f"{found.group(1)} {HIDDEN}", shown)
    shown = _JWT.sub(HIDDEN, shown)
    shown = _NUMBER.sub("<number>", shown)
    return _MAIL.sub("<address>", shown)[:MAX_SHOWN]
