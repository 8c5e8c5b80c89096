"""Messages between processes: their length in four bytes, then the message."""

from __future__ import annotations

import os

HEAD = 4


def framed(message: bytes) -> bytes:
    """A message as it is sent."""
    return len(message).to_bytes(HEAD, "big") + message


def write_frame(descriptor: int, message: bytes) -> None:
    """Send a message, whole."""
    rest = memoryview(framed(message))
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_frame(descriptor: int) -> bytes | None:
    """The next message; None where the other side has ended."""
    head = _read(descriptor, HEAD)
    return None if head is None else _read(descriptor, int.from_bytes(head, "big"))


def _read(descriptor: int, count: int) -> bytes | None:
    pieces = b""
    while len(pieces) < count:
        more = os.read(descriptor, min(count - len(pieces), 1 << 16))
        if not more:
            return None
        pieces += more
    return pieces


class Frames:
    """Messages that arrive in pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def fed(self, more: bytes) -> list[bytes]:
        """The messages that are whole with `more`."""
        self._rest += more
        found = []
        while len(self._rest) >= HEAD:
            end = HEAD + int.from_bytes(self._rest[:HEAD], "big")
            if len(self._rest) < end:
                break
            found.append(self._rest[HEAD:end])
            self._rest = self._rest[end:]
        return found
