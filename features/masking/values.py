"""Judges whether what a pattern matched is meant: the checks of the kinds.

Each gets the text as it is written, and the match in it or in its lower-case form of the same length.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from features.masking import check_digits
from features.masking.words import (
    HARMLESS_PREFIX,
    HARMLESS_SUFFIX,
    NO_NAME,
    NO_VALUE,
    PASSWORD_NAME,
    SECRET_NAME,
    SHORT_NAMES,
    SURNAMES,
)

if TYPE_CHECKING:
    from re import Match

MIN_TOKEN: Final = 16
"""Letters of a word that is taken for a token though it holds no digit."""
N_ID: Final = 18
N_LONG_WORD: Final = 8
"""Letters beside a number that make it part of an identifier."""

_SECRET_NAMES: Final = (re.compile(PASSWORD_NAME, re.ASCII), re.compile(SECRET_NAME, re.ASCII))
_NO_VALUE: Final = re.compile(NO_VALUE, re.IGNORECASE)
_HARMLESS_SUFFIX: Final = re.compile(HARMLESS_SUFFIX)
_HARMLESS_PREFIX: Final = re.compile(HARMLESS_PREFIX)
_SHORT_NUMBER: Final = re.compile(r"-?[0-9]{1,5}(?:\.[0-9]*)?[%a-z]{0,2}")
_HEX_HANDLE: Final = re.compile(r"0x[0-9a-f]+")
_MEASURE: Final = re.compile(
    r"(?:amount|volume|turnover|notional|balance|total|qty|quantity|size|bytes|offset|position|seq(?:uence)?|lsn|zxid"
    r"|timestamp|time|ts|nanos|limit|capacity|used|free|hash|checksum|crc|金额|成交额|成交量|余额|市值|总额|资产|偏移|序号)"
    r"[\"']?\s{0,3}[:= ]\s{0,3}$"
)
_UNIT: Final = re.compile(r"\.[0-9]|\s?(?:bytes|[kmgt]?i?b|ms|us|µs|ns|元|股|手)\b")
_CALLING_CODE: Final = re.compile(
    r"(?:86|852|853|886|65|81|82|44|49|33|39|34|31|41|61|7|1|91|971|60|66|62|63|84|55|52)(?![0-9]{12})"
)
_PLACE: Final = re.compile("[省市区县路街镇村号室栋弄巷區縣號樓楼]")


def any_value(_text: str, _found: Match[str]) -> bool:
    """Everything that the pattern matches."""
    return True


def value_of(text: str, found: Match[str]) -> str:
    """What would be masked, as it was written."""
    start, end = span_of(found)
    return text[start:end]


def span_of(found: Match[str]) -> tuple[int, int]:
    """Where the value of a match is: its group ``value``, else ``bare``, else all of it."""
    groups = found.re.groupindex
    for name in ("value", "bare"):
        if name in groups and found.start(name) >= 0:
            return found.span(name)
    return found.span()


def is_no_status(text: str, found: Match[str]) -> bool:
    """A value, and not a word that says that there is none."""
    value = value_of(text, found)
    return bool(value) and _NO_VALUE.fullmatch(value.strip()) is None


def is_no_word(text: str, found: Match[str]) -> bool:
    """Characters that are no plain word: a digit or another character is among them."""
    value = value_of(text, found).rstrip(".,:!?)")
    return bool(value) and not value.isalpha() and is_no_status(text, found)


def is_authorization(text: str, found: Match[str]) -> bool:
    """The content of the header, and no sentence about authorization."""
    value = value_of(text, found)
    return is_no_status(text, found) and (len(value) >= 10 or not value.isalpha())


def is_credential(text: str, found: Match[str]) -> bool:
    """What follows Bearer or Basic, and no word of a sentence."""
    value = value_of(text, found).rstrip(".")
    if _NO_VALUE.fullmatch(value) or value.lower() in _AFTER_BASIC:
        return False
    if found.group().startswith("bearer"):
        return not value.isalpha() or not value.endswith(("ing", "tion", "ed"))
    return not value.isalpha() or not (value.islower() or value.istitle())


_AFTER_BASIC: Final = frozenset({"token-based", "token.", "information", "authorization_header"})


def is_base64_of_bytes(text: str, found: Match[str]) -> bool:
    """Base64 that is no hexadecimal: with capitals, small letters and digits."""
    return _n_classes(value_of(text, found)) == 3


def is_mixed(text: str, found: Match[str]) -> bool:
    """A long value of capitals, small letters and digits, with few other characters."""
    value = value_of(text, found)
    return _n_classes(value) == 3 and value.count("-") + value.count("_") + value.count("/") <= 2


def is_password(text: str, found: Match[str]) -> bool:
    """Whatever a password's name is given, unless the value is about it or says that there is none."""
    value = value_of(text, found)
    if not is_no_status(text, found) or _is_about_it(found, value):
        return False
    return not (value.startswith("/") and found["name"] == "pwd")


def is_secret(text: str, found: Match[str]) -> bool:
    """A value that looks like a token: unless it is assigned or quoted, no plain word, and no short number."""
    value = value_of(text, found)
    if not is_no_status(text, found) or _is_about_it(found, value):
        return False
    if _SHORT_NUMBER.fullmatch(value) or _HEX_HANDLE.match(value.lower()):
        return False
    if found.group("bare") is not None and value.isalpha() and len(value) < MIN_TOKEN:
        return "=" in found.group() and len(value) >= 6
    return len(value) >= 4 and value[0] not in "{[("


def is_secret_name(name: str) -> bool:
    """Whether a label or attribute is named as a secret is.

    >>> is_secret_name("db_password"), is_secret_name("password_policy"), is_secret_name("pod")
    (True, False, False)
    """
    folded = name.lower()
    found = (each for names in _SECRET_NAMES for each in names.finditer(folded))
    return any(each.end() == len(folded) and not _is_about_it(each, "") for each in found)


def _is_about_it(found: Match[str], value: str) -> bool:
    """Whether a name is none of a secret, or its value only says something about the secret."""
    name, suffix = found["name"], found["suffix"]
    before = found.string[max(0, found.start("name") - 12) : found.start("name")]
    if name in SHORT_NAMES:
        if suffix[:1].isalpha() or (before[-1:].isascii() and before[-1:].isalpha() and name != "pass"):
            return True
        if before.endswith(_BEFORE_PASS) and name == "pass":
            return True
    if suffix and _HARMLESS_SUFFIX.fullmatch(suffix) and not (suffix == "s" and not value.isdigit()):
        return True
    return _HARMLESS_PREFIX.search(before) is not None and value[:1].isdigit()


_BEFORE_PASS: Final = ("by", "com", "sur", "tres", "under", "over")


def is_code(text: str, found: Match[str]) -> bool:
    """A code of a few digits; three are enough only for a card's."""
    if found["bare"] and text[max(0, found.start() - 1) : found.start()].isdecimal():
        return False
    return len(value_of(text, found)) > 3 or "cv" in found.group()


def is_card(text: str, found: Match[str]) -> bool:
    """A card's number, by its issuer, length and check digit, that is no part of an identifier."""
    return check_digits.is_card_number(found.group()) and _stands_alone(text, *span_of(found))


def is_spaced_card(_text: str, found: Match[str]) -> bool:
    """A card's number in groups."""
    digits = re.sub("[^0-9]", "", found.group())
    return (
        check_digits.is_card_number(digits)
        and not found.string[max(0, found.start() - 1) : found.start()].isdecimal()
    )


def is_id(text: str, found: Match[str]) -> bool:
    """A Chinese ID number with a correct check digit."""
    digits = re.sub("[ -]", "", found.group("value"))
    return len(digits) == N_ID and check_digits.is_id_number(digits) and _stands_alone(text, *span_of(found))


def is_iban(text: str, found: Match[str]) -> bool:
    """An international account number with correct check digits."""
    is_whole = not text[max(0, found.start() - 1) : found.start()].isalnum()
    return is_whole and check_digits.is_iban(found.group().replace(" ", ""))


def is_social_security(text: str, found: Match[str]) -> bool:
    """A number of the United States' social security, in an area, group and series that are given out."""
    area, group, series = found.group().split("-")
    is_whole = (text[max(0, found.start() - 1) : found.start()] + text[found.end() : found.end() + 1]).strip(
        " ,;:\"')("
    ) == ""
    return is_whole and area not in {"000", "666"} and area[0] != "9" and group != "00" and series != "0000"


def is_landline(text: str, found: Match[str]) -> bool:
    """A Chinese number with its area, that is no part of another number or word."""
    around = text[max(0, found.start() - 1) : found.start()] + text[found.end() : found.end() + 1]
    return not any(each == "-" or (each.isascii() and each.isalnum()) for each in around)


def is_account(text: str, found: Match[str]) -> bool:
    """An account's number, unless a measure follows."""
    return _UNIT.match(text, found.end()) is None and "*" not in found.group("value")


def is_mobile(text: str, found: Match[str]) -> bool:
    """A Chinese mobile number that is no amount, and no part of an identifier or fraction."""
    start, end = found.span()
    for calling_code in ("0086", "86"):
        if text.endswith(calling_code, 0, start):
            start -= len(calling_code)
            break
    if _MEASURE.search(found.string, max(0, start - 24), start) or _UNIT.match(found.string, end):
        return False
    return text[max(0, start - 1) : start] != "." and _stands_alone(text, start, end)


def is_phone(text: str, found: Match[str]) -> bool:
    """Seven to fifteen digits."""
    n_digits = sum(map(str.isdigit, value_of(text, found)))
    return 7 <= n_digits <= 15


def is_international(text: str, found: Match[str]) -> bool:
    """A calling code and eight to fifteen digits in all."""
    digits = re.sub("[^0-9]", "", found.group("value"))
    return (
        10 <= len(digits) <= 14
        and _CALLING_CODE.match(digits) is not None
        and _UNIT.match(text, found.end()) is None
    )


def is_mail(text: str, found: Match[str]) -> bool:
    """A mail address, and no login at a host such as ``git@github.com:``."""
    is_login = (
        text[found.end() : found.end() + 1] == ":" and text[found.end() + 1 : found.end() + 2].strip() != ""
    )
    return not is_login and not text[max(0, found.start() - 3) : found.start()].endswith("://")


def is_name(text: str, found: Match[str]) -> bool:
    """Something that is no remark on a name."""
    value = value_of(text, found).strip()
    return value.lower() not in NO_NAME and _NO_VALUE.fullmatch(value) is None and not value.isdigit()


def is_chinese_name(text: str, found: Match[str]) -> bool:
    """Two or three characters, the first of them a common surname."""
    value = value_of(text, found)
    return value[0] in SURNAMES and len(value) <= 3 and value not in NO_NAME


def is_address(text: str, found: Match[str]) -> bool:
    """A place in Chinese characters."""
    return _PLACE.search(value_of(text, found)) is not None


def _n_classes(value: str) -> int:
    return bool(re.search("[a-z]", value)) + bool(re.search("[A-Z]", value)) + bool(re.search("[0-9]", value))


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a number is no part of a longer identifier: a few letters beside it are, unless hexadecimal."""
    if text[max(0, start - 1) : start].isdecimal() or text[end : end + 1].isdecimal():
        return False
    before = _word_before(text, start)
    after = _word_after(text, end)
    beside = before + after
    if not beside:
        return True
    if before[:2].lower() == "0x" or len(before) > N_LONG_WORD or len(after) > N_LONG_WORD:
        return False
    return any(each not in "0123456789abcdefABCDEF" for each in beside)


def _word_before(text: str, end: int) -> str:
    start = end
    while start and end - start <= N_LONG_WORD and text[start - 1].isascii() and text[start - 1].isalnum():
        start -= 1
    return text[start:end]


def _word_after(text: str, start: int) -> str:
    end = start
    while end < len(text) and end - start <= N_LONG_WORD and text[end].isascii() and text[end].isalnum():
        end += 1
    return text[start:end]
