"""Text in the encoding that it is in: UTF-8, UTF-16, or what Excel writes in China."""

from __future__ import annotations

import codecs

from cmdb.errors import BadTableError

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


def decoded(content: bytes, source: str) -> tuple[str, str]:
    """Return the text of a file and the name of its encoding.

    A byte order mark decides; without one it is UTF-8 where that is possible, UTF-16 where every other byte
    of the beginning is zero, else GB18030.

    Raises
    ------
    BadTableError
        If it is in none of these.

    Examples
    --------
    >>> decoded("编号,类型".encode("gb18030"), "items.csv")
    ('编号,类型', 'GB18030')
    """
    for mark, codec, name in MARKS:
        if content.startswith(mark):
            return _strict(content, codec, name, source), name
    for zeros, codec in ((content[1:200:2], "utf-16-le"), (content[0:200:2], "utf-16-be")):
        if len(zeros) > 1 and zeros.count(0) > 0.6 * len(zeros):
            return _strict(content, codec, "UTF-16", source), "UTF-16"
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        wrong = error
    try:
        return content.decode("gb18030"), "GB18030"
    except UnicodeDecodeError:
        place = content.count(b"\n", 0, wrong.start) + 1
        raise BadTableError(source, f"line {place} is neither UTF-8 nor GB18030: {wrong.reason}") from wrong


def _strict(content: bytes, codec: str, name: str, source: str) -> str:
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        raise BadTableError(source, f"it begins as {name}, but is not: {error.reason}") from error
