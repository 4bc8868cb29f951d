"""Masks texts: one by one, or many lines at once, where ordinary ones cost next to nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.masking import escapes
from features.masking.kinds import KINDS
from features.masking.own_patterns import PLACEHOLDER, mask_own
from features.masking.values import is_secret_name, span_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from features.masking.own_patterns import OwnPattern

MAX_CHARACTERS: Final = 65_536
"""Characters of a text that are read; what follows is left out of the masked text."""

MAX_NESTING: Final = 8

CUT: Final = "…"
SECRET: Final = "<masked:secret>"  # noqa: S105

MAX_ROUNDS: Final = 8

_BESIDE: Final = re.compile(r"(?<![A-Za-z][\s=])<masked:|<masked:[a-z0-9_-]{1,32}>(?!\s[A-Za-z]|\Z)")
"""A placeholder with something beside it that may be read in another way now."""

FEW: Final = 24
"""With fewer lines than this, looking for suspicious ones costs more than reading them all."""

TRIGGERS: Final = (
    "(?i)" + "|".join((escapes.TRIGGER, *(kind.trigger for kind in KINDS if not kind.words))),
    "(?i)" + "|".join(kind.trigger for kind in KINDS if kind.words),
)
"""RE2 over bytes: one of them is found in every line that any kind may mask. Two are faster than one."""


class Masker:
    """Masks the built-in kinds and a firm's own patterns.

    Parameters
    ----------
    own
        The firm's patterns; they are masked first, in their order.
    """

    def __init__(self, own: Sequence[OwnPattern] = ()) -> None:
        self._own = tuple(own)

    def text(self, text: str) -> str:
        """A text with what is secret masked; a masked text stays as it is."""
        return mask_text(mask_own([text], self._own)[0] if self._own else text)

    def lines(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Each text as `text` masks it, faster: most lines are looked at only once, all together.

        Examples
        --------
        >>> Masker().lines(["order 17 placed", "pin=4711"])
        ('order 17 placed', 'pin=<masked:secret>')
        """
        masked = mask_own(texts, self._own) if self._own else list(texts)
        for index in range(len(masked)) if len(masked) < FEW else suspicious(masked):
            masked[index] = mask_text(masked[index])
        return tuple(masked)

    def labels(self, labels: Mapping[str, str], *, kept: Collection[str] = ()) -> dict[str, str]:
        """Labels, annotations or attributes with their values masked, apart from those of the names ``kept``.

        >>> Masker().labels({"db_password": "two words", "pod": "pay-13812345678"}, kept=["pod"])
        {'db_password': '<masked:secret>', 'pod': 'pay-13812345678'}
        """
        return {name: text if name in kept else self._value(name, text) for name, text in labels.items()}

    def attributes(
        self, attributes: Mapping[str, object], *, kept: Collection[str] = ()
    ) -> dict[str, object]:
        """Attributes of a span: as `labels`, with texts in lists and in objects masked, too.

        >>> Masker().attributes({"http.request.header.authorization": ["Bearer ab12cd34"], "status": 200})
        {'http.request.header.authorization': ['<masked:secret>'], 'status': 200}
        """
        return {
            name: value if name in kept else self._masked(name, value, MAX_NESTING)
            for name, value in attributes.items()
        }

    def _masked(self, name: str, value: object, depth: int) -> object:
        if isinstance(value, str):
            return self._value(name, value)
        if isinstance(value, dict) and depth:
            return {str(key): self._masked(str(key), each, depth - 1) for key, each in value.items()}
        if isinstance(value, list | tuple) and depth:
            return [self._masked(name, each, depth - 1) for each in value]
        if isinstance(value, int) and not isinstance(value, bool):
            masked = self._value(name, str(value))
            return value if masked == str(value) else masked
        return "<masked:nested>" if isinstance(value, dict | list | tuple) else value

    def _value(self, name: str, text: str) -> str:
        """The value of a name, which says what it is: all of a password, though it holds blanks."""
        if is_secret_name(name):
            written = f"{name}='{text}'"
            return self.text(text) if self.text(written) == written else SECRET
        start = f"{name}="
        read = self.text(start + text)
        return read[len(start) :] if read.startswith(start) else self.text(text)


def suspicious(texts: Sequence[str]) -> list[int]:
    """The places of the texts in which a kind may be found."""
    bytes_ = pa.array(texts, pa.string()).cast(pa.binary())
    found = [pc.match_substring_regex(bytes_, pattern=trigger) for trigger in TRIGGERS]
    return np.flatnonzero(pc.or_(*found).to_numpy(zero_copy_only=False)).tolist()


def mask_text(text: str) -> str:
    """A text with secrets and personal data masked, however long.

    >>> mask_text("login 13812345678 with token=abc123 card 6222 0212 3456 7890")
    'login <masked:phone> with token=<masked:secret> card <masked:card>'
    >>> mask_text("order 17 took 230 ms at 10.0.0.1")
    'order 17 took 230 ms at 10.0.0.1'
    """
    read = text if len(text) <= MAX_CHARACTERS else text[:MAX_CHARACTERS] + CUT
    for _ in range(MAX_ROUNDS):  # what was hidden beside another secret is seen once that is masked
        masked = _masked_once(read)
        if masked == read or _BESIDE.search(masked) is None:
            return masked
        read = masked
    return read


def _masked_once(read: str) -> str:
    spans: list[tuple[int, int, str]] = []
    for view in escapes.views(read):
        folded = view.folded
        for kind in KINDS:
            for word in kind.words:
                if word in folded:
                    break
            else:
                if kind.words:
                    continue
            for found in kind.pattern.finditer(view.text if kind.reads_case else folded):
                start, end = span_of(found)
                if start < end and kind.is_meant(view.text, found):
                    at = (start, end) if view.starts is None else (view.starts[start], view.starts[end])
                    spans.append((*at, kind.name))
    return _replaced(read, spans) if spans else read


def _replaced(text: str, spans: list[tuple[int, int, str]]) -> str:
    """The text with a placeholder for each span, or for several that overlap; masked ones stay."""
    parts: list[str] = []
    done = 0
    spans.sort(key=lambda each: each[0])  # stable: of equal starts, the earlier kind is first
    index = 0
    while index < len(spans):
        start, end, name = spans[index]
        index += 1
        while index < len(spans) and spans[index][0] < end:
            end = max(end, spans[index][1])
            index += 1
        if PLACEHOLDER.fullmatch(text[start:end].strip("\"' ")) is None:
            parts += (text[done:start], f"<masked:{name}>")
            done = end
    return "".join((*parts, text[done:]))
