from __future__ import annotations

from contextlib import suppress

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.snappy_block import BadBlockError, LongBlockError, unpack_block


@given(st.binary(max_size=2_000))
def test_what_was_packed_is_unpacked(plain: bytes) -> None:
    assert unpack_block(pa.compress(plain, "snappy", asbytes=True), max_bytes=2_000) == plain


def test_eight_bytes_that_claim_four_gigabytes_are_refused_unread() -> None:
    with pytest.raises(LongBlockError, match="claims 4294967295 bytes, over the limit of 1000"):
        unpack_block(b"\xff\xff\xff\xff\x0f\0\0\0", max_bytes=1_000)


@pytest.mark.parametrize("block", [b"", b"\xff", b"\x05abc", b"\x80" * 9, b"\x05\x10hell"])
def test_what_is_no_block_is_refused(block: bytes) -> None:
    with pytest.raises(BadBlockError):
        unpack_block(block, max_bytes=1_000)


@given(st.binary(max_size=100))
def test_no_bytes_unpack_to_more_than_allowed(block: bytes) -> None:
    with suppress(BadBlockError, LongBlockError):
        assert len(unpack_block(block, max_bytes=64)) <= 64
