"""The bounds that the playground keeps, all in one place."""

from __future__ import annotations

from dataclasses import dataclass

#: The longest text that is read, in characters.
MAX_TEXT = 20_000
#: The longest body of a request, in bytes: that text, percent-encoded in a form where it is not ASCII.
MAX_BODY = 128 * 1024
#: The longest path with its query, and all headers together, in bytes.
MAX_URL, MAX_HEADERS = 2_048, 16 * 1024
#: The largest answer, in bytes.
MAX_ANSWER = 8 * 1024 * 1024
#: The longest text that a link carries, in bytes.
MAX_LINK = 6_000
#: How long a client may take for the head of its request, for its body, and for everything together,
#: beyond the time that its formula waits and takes; in seconds.
HEAD_SECONDS, BODY_SECONDS, SPARE_SECONDS = 10.0, 10.0, 20.0
#: How many connections there may be at once.
MAX_CONNECTIONS = 256
#: How long a formula may wait for its turn, in seconds.
WAITING_SECONDS = 60.0
#: How much longer than its work a formula may take where others are at work too, in seconds.
MORE_SECONDS = 60.0
#: When a client that found no place may come again, in seconds.
RETRY_SECONDS = 2
#: How long a keeper may take to answer after the limit of its child, and to start; in seconds.
GRACE_SECONDS, START_SECONDS = 3.0, 120.0


class ServeError(ValueError):
    """The playground cannot be started so; the message is one sentence."""


@dataclass(frozen=True)
class Limits:
    """What one formula may take, and how many are worked on.

    Attributes
    ----------
    seconds
        Processor time for one formula, rounded up to whole seconds.
    memory
        MiB of address space for one formula.
    workers
        How many formulas are worked on at once.
    waiting
        How many may wait beside them.
    """

    seconds: float = 20.0
    memory: int = 1024
    workers: int = 2
    waiting: int = 64

    @property
    def wall_seconds(self) -> float:
        """The longest that one formula may take by the clock on the wall: a busy machine takes its time."""
        return self.seconds + MORE_SECONDS

    @property
    def request_seconds(self) -> float:
        """The longest that a request may take in all, however slowly its client reads."""
        return WAITING_SECONDS + self.wall_seconds + GRACE_SECONDS + BODY_SECONDS + SPARE_SECONDS
