"""Bytes of senders as text: UTF-8, and what older systems write instead."""

from __future__ import annotations

import codecs
import re

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

MARK = "\ufeff"

ENOUGH_COMMON = 0.7
"""Share of a text's further characters that must be common Chinese ones, or it is no Chinese text."""

_RUN = re.compile(rb'[^"\n]+')


def text_of(data: bytes) -> str:
    """Bytes as text: UTF-8 with or without its mark, UTF-16 with its mark, GB18030 line by line.

    Each line or quoted string that is not UTF-8 is read as GB18030 if that makes it Chinese; otherwise its
    wrong bytes become �. It takes time linear in the length.

    >>> text_of('{"msg": "委托失败"}'.encode("gb18030"))
    '{"msg": "委托失败"}'
    """
    try:
        return data.decode().removeprefix(MARK)
    except UnicodeDecodeError:
        pass
    if data.startswith(UTF_16):
        return data.decode("utf-16", "replace")
    return _RUN.sub(_as_utf_8, data).decode("utf-8", "replace").removeprefix(MARK)


def _as_utf_8(run: re.Match[bytes]) -> bytes:
    data = run.group()
    if data.isascii():
        return data
    try:
        data.decode()
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            return data
        return text.encode() if _is_chinese(text) else data
    return data


def _is_chinese(text: str) -> bool:
    """Whether most characters beyond ASCII are those of GB2312, the common ones of GB18030."""
    n_common = sum(byte >= 0x80 for byte in text.encode("gb2312", "ignore")) // 2  # noqa: PLR2004
    return n_common >= ENOUGH_COMMON * sum(not letter.isascii() for letter in text)
