"""Seeded damage to bytes, for fuzzing without a coverage-guided fuzzer."""

from __future__ import annotations

import random
from collections.abc import Sequence

# What readers stumble over: edges of integer types, deep nesting, numbers that are none, magic numbers of other files.
TOKENS = (
    b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\x00\x00\x00", b"\xff" * 8, b"\x00" * 8,
    b"\x7f" + b"\xff" * 7, b"nan", b"inf", b"-1", b"1e999", b"9" * 30, b"9" * 5000, b"[" * 2000, b"{" * 200, b'"',
    b"\n", b",", b"=", b"1979-05-27", b"true", b"null", b"\xef\xbb\xbf", b"\x80\x04\x95", b"PK\x03\x04", b"\x1f\x8b",
    b"../../etc/passwd", b"<svg onload=alert(1)>", b"=cmd|'/c calc'!A0", b"\r\n", b"\x00" * 64, b"\xf0\x9f\x98\x80",
)  # fmt: skip
MOST_BYTES = 1 << 20


def mutated(whole: Sequence[bytes], rng: random.Random) -> bytes:
    """One of `whole` with one to eight things wrong."""
    content = bytearray(rng.choice(whole))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 8))):
        at = rng.randrange(len(content) + 1)
        length = min(rng.choice((1, 1, 2, 4, 8, 32, 256)), len(content) - at)
        match rng.randrange(7):
            case 0 if at < len(content):
                content[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(content):
                content[at] = rng.randrange(256)
            case 2:
                del content[at : at + length]
            case 3:
                content[at:at] = rng.choice(TOKENS)
            case 4:
                token = rng.choice(TOKENS)
                content[at : at + len(token)] = token
            case 5:
                start = rng.randrange(len(content) + 1)
                content[at:at] = content[start : start + length]
            case 6 if rng.random() < 0.3:
                del content[at:]
    return bytes(content[:MOST_BYTES])
