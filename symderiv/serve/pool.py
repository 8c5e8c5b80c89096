"""The keepers of the server: one formula each at a time, a queue in front of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import symderiv
from symderiv.serve.frames import Frames, framed
from symderiv.serve.keeper import END, READY, WORK
from symderiv.serve.limits import GRACE_SECONDS, START_SECONDS, WAITING_SECONDS, Limits, ServeError

#: How work may end, beside ``done``, for a reader.
ENDINGS = {
    "time": "this took more than {seconds:g} seconds of work and was stopped; what was found is shown",
    "memory": "this needed more than {memory} MiB of memory and was stopped; what was found is shown",
    "deep": "this is nested too deeply; define parts of it by name",
    "large": "the answer is too large for a page; ask for less of it at once",
    "fault": "this was not answered because of a fault of ours; what was found by then is shown",
    "closed": "the server was ended",
}


#: How work ends whose turn did not come.
WAITED = b"waited"


class BusyError(Exception):
    """All workers are at work, and the queue is full."""


class Keeper:
    """One keeper process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._frames, self._messages = Frames(), deque[bytes]()

    @classmethod
    async def start(cls, limits: Limits) -> Keeper:
        """A keeper that is ready for work."""
        # -P: a file of the folder that the server was started in is never imported.
        path = os.pathsep.join(
            filter(None, (str(Path(symderiv.__file__).parents[1]), os.environ.get("PYTHONPATH")))
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "symderiv.serve.keeper", f"{limits.seconds:g}", str(limits.memory),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
            env={**os.environ, "PYTHONPATH": path},
        )  # fmt: skip
        keeper = cls(process)
        try:
            async with asyncio.timeout(START_SECONDS):
                if await keeper.read() == READY:
                    return keeper
        except (TimeoutError, EOFError):
            pass
        except BaseException:
            await keeper.kill()
            raise
        await keeper.kill()
        raise ServeError("a worker process could not be started; is there memory enough?")

    async def read(self) -> bytes:
        """The next message; nothing is lost where the wait for it is called off."""
        assert self.process.stdout is not None
        while not self._messages:
            more = await self.process.stdout.read(1 << 16)
            if not more:
                raise EOFError
            self._messages += self._frames.fed(more)
        return self._messages.popleft()

    async def send(self, message: bytes) -> None:
        """Send a message."""
        assert self.process.stdin is not None
        self.process.stdin.write(framed(message))
        await self.process.stdin.drain()

    async def kill(self) -> None:
        """End the process, and its child with it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()


class Pool:
    """The keepers.

    Work that nobody waits for any more is called off; a keeper that does not answer is replaced.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._work_in_hand: set[asyncio.Task[None]] = set()
        self._idle: asyncio.Queue[Keeper | None] = asyncio.Queue()
        self._all: set[Keeper] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Start the keepers."""
        starting = (Keeper.start(self.limits) for _ in range(self.limits.workers))
        found = await asyncio.gather(*starting, return_exceptions=True)
        self._all |= {each for each in found if isinstance(each, Keeper)}
        for each in found:
            if isinstance(each, BaseException):
                await self.close()
                raise each
            self._idle.put_nowait(each)

    async def close(self) -> None:
        """End them; whoever waits for an answer gets the end of it at once."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(keeper.kill() for keeper in self._all))
        self._all.clear()

    def processes(self) -> list[int]:
        """The numbers of the keepers' processes."""
        return [keeper.process.pid for keeper in self._all]

    def answer(self, text: str) -> AsyncIterator[bytes]:
        """The parts of the answer to a text; the last message says how the work ended.

        Raises
        ------
        BusyError
            At once, if no place in the queue is free.
        """
        if self._closed or len(self._work_in_hand) >= self.limits.workers + self.limits.waiting:
            raise BusyError
        found: asyncio.Queue[bytes] = asyncio.Queue()
        task = self._later(self._work(text, found))
        self._work_in_hand.add(task)
        task.add_done_callback(self._work_in_hand.discard)
        return _messages(found, task)

    async def _work(self, text: str, found: asyncio.Queue[bytes]) -> None:
        """Work in a task of its own: cancelled where nobody listens any more, it cleans up in peace."""
        end = "closed"
        try:
            keeper = await self._next()
            if keeper is None:
                end = WAITED.decode()
                return
            try:
                end = await self._with(keeper, text, found)
            except BaseException:
                if not self._closed:
                    self._later(self._called_off(keeper))
                raise
            if end == "lost":
                end = "fault"
                self._later(self._replaced(keeper))
            else:
                self._idle.put_nowait(keeper)
        finally:
            found.put_nowait(END + end.encode())

    async def _next(self) -> Keeper | None:
        """A keeper that is free; None where that takes too long."""
        try:
            async with asyncio.timeout(WAITING_SECONDS):
                while True:
                    keeper = await self._idle.get()
                    if keeper is not None:
                        return keeper
                    self._later(self._replaced(None))  # one could not be started: it is tried again
        except TimeoutError:
            return None

    async def _with(self, keeper: Keeper, text: str, found: asyncio.Queue[bytes]) -> str:
        """Let a keeper answer; how that ended, ``lost`` where the keeper itself does not answer."""
        try:
            async with asyncio.timeout(self.limits.wall_seconds + GRACE_SECONDS):
                await keeper.send(WORK + text.encode("utf-8", "surrogatepass"))
                while not (message := await keeper.read()).startswith(END):
                    found.put_nowait(message)
                return message.removeprefix(END).decode()
        except (TimeoutError, EOFError, ConnectionError):
            return "lost"

    async def _called_off(self, keeper: Keeper) -> None:
        """Stop the work of a keeper; it is free again when it says so."""
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                await keeper.send(b"")
                while not (await keeper.read()).startswith(END):
                    pass
        except (TimeoutError, EOFError, ConnectionError):
            await self._replaced(keeper)
        else:
            self._idle.put_nowait(keeper)

    async def _replaced(self, keeper: Keeper | None) -> None:
        """End a keeper, and start another in its place."""
        if keeper is not None:
            await keeper.kill()
            self._all.discard(keeper)
        try:
            other = await Keeper.start(self.limits)
        except ServeError:
            await asyncio.sleep(GRACE_SECONDS)
            self._idle.put_nowait(None)
            return
        self._all.add(other)
        self._idle.put_nowait(other)

    def _later(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _messages(found: asyncio.Queue[bytes], task: asyncio.Task[None]) -> AsyncIterator[bytes]:
    try:
        while True:
            message = await found.get()
            yield message
            if message.startswith(END):
                return
    finally:
        task.cancel()
