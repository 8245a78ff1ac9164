"""A conversation with an adapter in a process of its own; see `benchmarks.peers.workload.serve`."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.measuring import Contender
from benchmarks.peers.catalogue import OURS, Peer, PeerError
from benchmarks.peers.venvs import kill_group, last_line

HERE = Path(__file__).resolve().parent
START_SECONDS = 180.0
ANSWER_SECONDS = 120.0
_QUIET = {"DO_NOT_TRACK": "1", "HF_HUB_OFFLINE": "1", "GRADIO_ANALYTICS_ENABLED": "False"}
_DROPPED = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}


class Session:
    """One adapter's process, from start to end.

    Args:
        command: What starts the adapter.
        folder: Where it runs; None for an empty folder that goes away with it.
    """

    def __init__(self, command: Sequence[str], folder: Path | None = None) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="tool-gym-peers-")
        self._log = Path(self._scratch.name) / "log"
        environment = {name: value for name, value in os.environ.items() if name not in _DROPPED} | _QUIET
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - an adapter of ours
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder or self._scratch.name,
                env=environment,
                start_new_session=True,
            )
        self._unread = b""

    def __enter__(self) -> Self:
        """Return the session."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the process and all it has started."""
        kill_group(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._scratch.cleanup()

    def paths(self) -> list[str]:
        """Return the paths the adapter offers, as it says once it is ready.

        Raises:
            PeerError: If it does not start.
        """
        return list(self._answer(START_SECONDS)["paths"])

    def play(self, path: str, episodes: int) -> Mapping[str, float]:
        """Let it play; a `Contender` once `path` is given.

        Raises:
            PeerError: If it fails or takes too long.
        """
        stdin = self._process.stdin
        assert stdin is not None  # it was asked for as a pipe
        try:
            stdin.write(json.dumps({"path": path, "episodes": episodes}).encode() + b"\n")
            stdin.flush()
        except OSError:
            raise self._ended() from None
        return dict(self._answer(ANSWER_SECONDS))

    def contender(self, path: str) -> Contender:
        """Return the contender that plays one path."""
        return partial(self.play, path)

    def _answer(self, seconds: float) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None  # it was asked for as a pipe
        until = time.monotonic() + seconds
        while b"\n" not in self._unread:
            ready, _, _ = select.select([stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                kill_group(self._process)  # a late answer would be taken for that to the next question
                msg = f"no answer within {seconds:g} s"
                raise PeerError(msg)
            read = os.read(stdout.fileno(), 65536)
            if not read:
                raise self._ended()
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerError(last_line(answer["error"]))
        return answer

    def _ended(self) -> PeerError:
        return PeerError(last_line(self._log.read_text(encoding="utf-8", errors="replace")))


def ours() -> Session:
    """Start our own adapter, under this interpreter."""
    return Session([sys.executable, "-m", f"benchmarks.peers.{OURS.adapter}"], HERE.parents[1])


def theirs(peer: Peer, python: Path) -> Session:
    """Start a peer's adapter under its own interpreter."""
    return Session([str(python), str(HERE / "launch.py"), str(HERE / f"{peer.adapter}.py")])
