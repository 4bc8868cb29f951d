"""Unpacks snappy's block format, in which Prometheus and Loki's clients send, without trusting its length.

Google, "Snappy compressed format description", 2011: a block begins with the length of what it holds.
"""

from __future__ import annotations

import pyarrow as pa

MAX_LENGTH_BYTES = 5
"""Bytes of the claimed length, seven bits in each."""


class BadBlockError(ValueError):
    """Bytes that are not a complete snappy block."""


class LongBlockError(ValueError):
    """A block that claims to hold more than is allowed; nothing of it was unpacked."""

    def __init__(self, claimed_bytes: int, max_bytes: int) -> None:
        super().__init__(f"the block claims {claimed_bytes} bytes, over the limit of {max_bytes}")
        self.claimed_bytes = claimed_bytes


def unpack_block(block: bytes, *, max_bytes: int) -> bytes:
    """What a block holds.

    Raises
    ------
    LongBlockError
        If it claims more than ``max_bytes``: eight bytes can claim 4 GiB.
    BadBlockError
        If it is not snappy, or cut short.

    Examples
    --------
    >>> unpack_block(bytes([5, 4 << 2]) + b"hello", max_bytes=10)
    b'hello'
    """
    claimed_bytes = _claimed_bytes(block)
    if claimed_bytes > max_bytes:
        raise LongBlockError(claimed_bytes, max_bytes)
    try:
        plain: bytes = pa.Codec("snappy").decompress(block, claimed_bytes, asbytes=True)
    except (OSError, pa.ArrowInvalid) as error:
        raise BadBlockError("it is not a snappy block") from error
    return plain


def _claimed_bytes(block: bytes) -> int:
    length = 0
    for place, byte in enumerate(block[:MAX_LENGTH_BYTES]):
        length |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004  the highest bit says that more follow
            return length
    raise BadBlockError("it does not begin with a length")
