"""The bytes of Protocol Buffers, as far as the fast decoders read them themselves.

Protocol Buffers, "Encoding": a field is a tag and, here, a length and as many bytes.
"""

from __future__ import annotations

MORE = 0x80
"""Says that another byte of a number follows, seven bits in each."""
MAX_SHIFT = 35


class UnusualLayoutError(ValueError):
    """Bytes that only the library of Protocol Buffers can judge."""


def contents_of(body: bytes, at: int, end: int) -> tuple[int, int]:
    """Start and end of the contents of a field whose length is at a place.

    Raises
    ------
    UnusualLayoutError
        If they do not end before ``end``.
    """
    if at + 1 < end and body[at + 1] < MORE <= body[at]:  # two bytes, as most lengths take
        start = at + 2
        stop = start + ((body[at] & 0x7F) | body[at + 1] << 7)
        if stop <= end:
            return start, stop
        raise UnusualLayoutError
    length = shift = 0
    while at < end and shift < MAX_SHIFT:
        byte = body[at]
        at += 1
        length |= (byte & 0x7F) << shift
        if byte < MORE:
            if at + length > end:
                break
            return at, at + length
        shift += 7
    raise UnusualLayoutError
