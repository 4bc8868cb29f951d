"""How the rows of the audit are chained: the hash of each covers the hash of the one before it.

The form is stored with every row: a change to it would break each chain that exists. Schneier and Kelsey,
"Secure audit logs to support computer forensics", ACM TISSEC 2(2), 1999, section 3.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST = ""
"""What stands for the hash before the first row."""


def chained(
    previous: str,
    *,
    position: int,
    at_ms: int,
    who: str,
    action: str,
    subject: str,
    document: Mapping[str, Any],
) -> str:
    """Return the hash of a row that follows one whose hash is ``previous``: SHA-256, 64 hexadecimal digits.

    >>> chained("", position=1, at_ms=0, who="zhou", action="verdict", subject="7", document={})[:12]
    '177ac49576d5'
    """
    content = [previous, position, at_ms, who, action, subject, document]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
