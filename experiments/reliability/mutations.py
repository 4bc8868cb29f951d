"""Ways to spoil a request: each takes a good one and a source of randomness, and returns a hostile one."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from experiments.reliability.in_process import Asked

    Mutator = Callable[[Asked, Random], Asked]

DEPTHS = (10, 100, 500, 980, 1_000, 5_000, 60_000)
ODD_NUMBERS = (
    *("1e400", "-1e400", "1e-400", "-0", "-0.0", "9" * 400, "18446744073709551616", "-9223372036854775809"),
    *("253402300800000", "-62135596800001", "9007199254740993", "0.1e1", "1E+2", "00", "0x10", "1_000"),
)
NO_NUMBERS = ("NaN", "Infinity", "-Infinity", "nan", "undefined", "+1", ".5", "1.", "--1", "1e", "True")
ODD_TEXTS: Final = (
    *(
        "",
        "\x00",
        "a\x00b",
        "\ud800",
        "\udfff\ud800",
        "\uffff",
        "\u202eabc",
        "é",
        "i" * 70_000,
        " ",
        "\r\n",
        "None",
    ),
    *("../../etc/passwd", "'; DROP TABLE alerts; --", "<script>alert(1)</script>", "{{7*7}}", "%00", "%s%n"),
    *("9999-12-31T23:59:59.999999Z", "0000-00-00T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-02-30"),
    *("2026-03-04T02:00:60Z", "2026-03-04T02:00:00+99:99", "1e5", "١٢٣", "𝟙𝟚", "true", "-1", "٣٤٥-٠١-٠١"),
)
ODD_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 2**63, 2**64, -(2**70), 10**40, 1e308, "", "text", [], {}, [[]], [None]),
    *({"": ""}, {"a": {"b": []}}, [0] * 1_000, {str(each): each for each in range(300)}),
)
ODD_HEADERS: Final = (
    (b"content-type", b""),
    (b"content-type", b"application/x-protobuf"),
    (b"content-type", b"text/plain; charset=\xff"),
    (b"content-type", b"multipart/form-data; boundary=" + b"b" * 3_000),
    (b"content-encoding", b"gzip"),
    (b"content-encoding", b"gzip, gzip"),
    (b"content-encoding", b"\xff\xfe"),
    (b"content-length", b"-1"),
    (b"content-length", "٣".encode()),
    (b"content-length", b"9" * 5_000),
    (b"content-length", "²".encode("latin-1")),
    (b"authorization", b"Bearer"),
    (b"authorization", b"Bearer \xff\xfe\x00"),
    (b"authorization", "Bearer 密码".encode()),
    (b"authorization", b"Basic " + b"A" * 10_000),
    (b"cookie", b"sunspot_token=\xff\xff; sunspot_token; =; ;;;"),
    (b"cookie", b"sunspot_token=" + "ключ".encode()),
    (b"origin", b"null"),
    (b"origin", b"http://[::1"),
    (b"origin", b"\xff"),
    (b"host", b"[::1"),
    (b"host", b"localhost:99999999"),
    (b"host", b"localhost\xff"),
    (b"host", b""),
    (b"accept", b"*/*;q=\xff"),
    (b"accept-language", b"zz-\xff"),
    (b"x-forwarded-for", b"1" * 10_000),
    (b"x-forwarded-proto", b"gopher"),
    (b"sec-fetch-site", b"cross-site"),
    (b"transfer-encoding", b"chunked, identity"),
    (b"expect", b"100-continue"),
    (b"range", b"bytes=0-,-1"),
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "P\u00d6ST")


def truncated(asked: Asked, random: Random) -> Asked:
    """The body cut short."""
    return replace(asked, body=asked.body[: random.randrange(len(asked.body) + 1)])


def flipped(asked: Asked, random: Random) -> Asked:
    """A few bytes of the body changed."""
    body = bytearray(asked.body)
    for _ in range(min(len(body), random.randint(1, 8))):
        body[random.randrange(len(body))] = random.randrange(256)
    return replace(asked, body=bytes(body))


def spliced(asked: Asked, random: Random) -> Asked:
    """A piece of the body removed, repeated, or put elsewhere."""
    body = asked.body
    start, end = sorted(random.randrange(len(body) + 1) for _ in range(2))
    place, piece = random.randrange(len(body) + 1), body[start:end] * random.choice((0, 1, 2, 50))
    rest = body[:start] + body[end:] if random.random() < 0.5 else body
    return replace(asked, body=rest[:place] + piece + rest[place:])


def not_utf8(asked: Asked, random: Random) -> Asked:
    """Bytes that are no UTF-8, or half a surrogate pair, inside the body."""
    place = random.randrange(len(asked.body) + 1)
    put = random.choice(
        (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\\ud800", b"\\udc00x", b"\x00")
    )
    return replace(asked, body=asked.body[:place] + put + asked.body[place:])


def deeply_nested(asked: Asked, random: Random) -> Asked:
    """A value, or all of the body, replaced by arrays or objects inside each other."""
    depth = random.choice(DEPTHS)
    opened, closed = random.choice(((b"[", b"]"), (b'{"a":', b"}"), (b'[{"":', b"}]")))
    nest = opened * depth + b"1" + closed * random.choice((depth, depth, 0))
    return replace(asked, body=nest if random.random() < 0.2 else _with_text(asked.body, random, nest))


def odd_numbers(asked: Asked, random: Random) -> Asked:
    """A value replaced by a number that few languages hold."""
    return replace(asked, body=_with_text(asked.body, random, random.choice(ODD_NUMBERS).encode()))


def no_numbers(asked: Asked, random: Random) -> Asked:
    """A value replaced by what some languages write for a number, and JSON does not."""
    return replace(asked, body=_with_text(asked.body, random, random.choice(NO_NUMBERS).encode()))


def wrong_types(asked: Asked, random: Random) -> Asked:
    """A value replaced by one of another type."""
    return replace(asked, body=_with_value(asked.body, random, random.choice(ODD_VALUES)))


def odd_texts(asked: Asked, random: Random) -> Asked:
    """A value replaced by a text that is hard to store, show or read as a time."""
    return replace(asked, body=_with_value(asked.body, random, random.choice(ODD_TEXTS)))


def odd_names(asked: Asked, random: Random) -> Asked:
    """A field removed, renamed or repeated."""
    document = _document(asked.body)
    holders = [each for each in _containers(document) if each]
    if not holders:
        return flipped(asked, random)
    holder = random.choice(holders)
    if isinstance(holder, list):
        holder.extend(holder * random.choice((1, 3)))
    else:
        value = holder.pop(random.choice(list(holder)))
        if random.random() < 0.5:
            holder[random.choice(ODD_TEXTS)] = value
    return replace(asked, body=_bytes(document))


def unchanged(asked: Asked, _random: Random) -> Asked:
    """The body as it should be: what spoiled ones left behind must not break it."""
    return asked


def odd_headers(asked: Asked, random: Random) -> Asked:
    """Headers that make no sense, and bodies packed in other ways than they say."""
    headers = tuple(random.choice(ODD_HEADERS) for _ in range(random.randint(1, 3)))
    body = asked.body
    if body and (b"content-encoding", b"gzip") in headers:
        packed = gzip.compress(body, 1)
        body = random.choice((packed, packed[:-4], packed + packed, packed[:10], body))
    return replace(asked, headers=headers, body=body)


def odd_addresses(asked: Asked, random: Random) -> Asked:
    """A path or a query, or a method, that no client sends."""
    text = quote_from_bytes(random.choice(ODD_TEXTS)[:2_000].encode(errors="surrogatepass"))
    parts = asked.path.split("/")
    parts[random.randrange(1, len(parts))] = text or "%20"
    name = random.choice(("limit", "offset", "item", "team", "to", "x", text))
    value = random.choice((text, "0", "-1", "1e3", "99999999999999999999", "%ff", "٣", "1&limit=2", ""))
    path = "/".join(parts) if random.random() < 0.5 else asked.path
    method = random.choice(METHODS) if random.random() < 0.2 else asked.method
    return replace(asked, method=method, path=path, query=f"{name}={value}".encode("ascii", errors="replace"))


BODY_MUTATORS: dict[str, Mutator] = {
    "truncated": truncated,
    "bytes changed": flipped,
    "spliced": spliced,
    "not UTF-8": not_utf8,
    "deeply nested": deeply_nested,
    "odd numbers": odd_numbers,
    "no numbers": no_numbers,
    "wrong types": wrong_types,
    "odd texts": odd_texts,
    "odd names": odd_names,
    "unchanged": unchanged,
    "odd headers": odd_headers,
    "odd addresses": odd_addresses,
}
ADDRESS_MUTATORS: dict[str, Mutator] = {
    name: BODY_MUTATORS[name] for name in ("unchanged", "odd headers", "odd addresses")
}
"""For requests without a body."""

_HOLE = "~hole~"


def _with_text(body: bytes, random: Random, text: bytes) -> bytes:
    """The body with one value replaced by a text that need not be JSON."""
    return _with_value(body, random, _HOLE).replace(b'"~hole~"', text, 1)


def _with_value(body: bytes, random: Random, value: Any) -> bytes:
    """The body with one value, which may be all of it, replaced."""
    document = _document(body)
    holders = [each for each in _containers(document) if each]
    if not holders or random.random() < 0.03:
        return _bytes(value)
    holder = random.choice(holders)
    key = random.randrange(len(holder)) if isinstance(holder, list) else random.choice(list(holder))
    holder[key] = value
    return _bytes(document)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:  # a form: it has one value
        return body.decode(errors="replace")


def _bytes(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _containers(document: Any) -> list[Any]:
    """Every list and object of a document, itself included."""
    found, waiting = [], [document]
    while waiting:
        each = waiting.pop()
        if isinstance(each, (list, dict)):
            found.append(each)
            waiting.extend(each if isinstance(each, list) else each.values())
    return found
