from __future__ import annotations

import pytest

from service.access.passwords import fits, hashed
from service.errors import WeakPasswordError


def test_a_password_is_stored_as_a_salted_hash_of_argon2id() -> None:
    first, second = hashed("correct horse"), hashed("correct horse")
    assert first.startswith("$argon2id$v=19$m=32768,t=3,p=1$")
    assert first != second
    assert fits("correct horse", first)
    assert not fits("correct horsf", first)


@pytest.mark.parametrize("stored", [None, "", "plain", "$argon2id$v=19$m=1"])
def test_without_a_usable_hash_no_password_fits(stored: str | None) -> None:
    assert not fits("nobody has this password", stored)


@pytest.mark.parametrize("password", ["", "eleven char", "a" * 1001])
def test_a_password_that_is_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(WeakPasswordError):
        hashed(password)


def test_any_letters_make_a_password_however_they_are_composed() -> None:
    assert fits("pa\u0301ssword 密码 123", hashed("p\u00e1ssword 密码 123"))
    assert fits("\udcff" * 12, hashed("\udcff" * 12))
