"""Numbers that prove by their own digits what they are: cards, ID numbers, bank accounts."""

from __future__ import annotations

import re
from typing import Final

_ISSUERS: Final = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}"
    r"|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14,17}|(?:95588|95599)\d{14}"
)
"""Issuers' first digits with the lengths of their cards: ISO/IEC 7812, and Chinese banks before UnionPay."""

_ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS: Final = "10X98765432"
_PROVINCE: Final = re.compile("1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]")


def is_card_number(digits: str) -> bool:
    """Whether digits are a card's: an issuer's first digits and length, and the check digit of Luhn.

    >>> is_card_number("4111111111111111"), is_card_number("4111111111111112")
    (True, False)
    """
    return _ISSUERS.fullmatch(digits) is not None and passes_luhn(digits)


def passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others: ISO/IEC 7812-1, annex B."""
    doubled = (sum(divmod(2 * int(each), 10)) for each in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def is_id_number(text: str) -> bool:
    """Whether 18 characters are a Chinese ID number: a province, and the check digit of GB 11643-1999.

    >>> is_id_number("11010519491231002X"), is_id_number("110105194912310021")
    (True, False)
    """
    total = sum(weight * int(digit) for weight, digit in zip(_ID_WEIGHTS, text[:17], strict=True))
    return _PROVINCE.match(text) is not None and _ID_CHECKS[total % 11] == text[17].upper()


def is_iban(text: str) -> bool:
    """Whether letters and digits without blanks are an account number of ISO 13616, by its check digits.

    >>> is_iban("GB29NWBK60161331926819")
    True
    """
    return int("".join(str(int(each, 36)) for each in text[4:] + text[:4])) % 97 == 1
