"""What a run has finished, line by line: a kill at any moment loses at most the line on its way.

A file of JSON lines that only grows. One process writes at a time; a last line that was cut short is dropped. To go on
after a break is to do what is not in it yet.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from tool_gym import jsonio
from tool_gym.errors import EndpointError


def hash_of(value: Any) -> str:
    """Return a hash of JSON data, equal for equal data."""
    return hashlib.blake2b(jsonio.dump_bytes(value, sort_keys=True), digest_size=16).hexdigest()


class Lines:
    """A file of JSON lines that one process appends to; close it, or use it in a `with` block.

    Args:
        path: The file, made with its folder if missing.

    Raises:
        EndpointError: If another process writes it.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            msg = f"another run is writing {path}; wait for it, or choose another folder"
            raise EndpointError(msg) from None
        whole = path.read_bytes() if path.is_file() else b""
        self.found = [line for line in map(_line, whole.split(b"\n")[:-1]) if line is not None]
        """What was in the file when it was opened."""
        self._file = path.open("r+b" if path.is_file() else "wb")
        self._file.seek(whole.rfind(b"\n") + 1)
        self._file.truncate()

    def append(self, value: dict[str, Any]) -> None:
        """Write one line; it is on the disk when this returns."""
        self._file.write(jsonio.dump_bytes(value) + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file and let others write it."""
        self._file.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True)
class Done:
    """What became of one piece of work."""

    status: str
    """`accepted`, or why not."""
    value: Any = None
    """JSON data: what was accepted, or what there is to know about the failure."""
    tally: dict[str, dict[str, int]] = field(default_factory=dict)
    """What it took; see `tool_gym.llm.ledger.Tally`."""


class Journal:
    """Finished pieces of work by the hash of what went in.

    Args:
        path: The file.

    Raises:
        EndpointError: If another process writes it.
    """

    def __init__(self, path: Path) -> None:
        self._lines = Lines(path)
        self._done: dict[str, Done] = {}
        for line in self._lines.found:
            if line.keys() == {"input", "output", "status", "value", "tally"}:
                self._done[line["input"]] = Done(line["status"], line["value"], line["tally"])

    def get(self, key: str) -> Done | None:
        """Return what became of the work with that hash of its input; None if it is still to be done."""
        return self._done.get(key)

    def put(self, key: str, done: Done) -> None:
        """Note finished work; what is noted already stays."""
        if key in self._done:
            return
        output = hash_of([done.status, done.value])
        told = {"status": done.status, "value": done.value, "tally": done.tally}
        self._lines.append({"input": key, "output": output, **told})
        self._done[key] = done

    def close(self) -> None:
        """Close the file."""
        self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _line(text: bytes) -> dict[str, Any] | None:
    try:
        found = jsonio.loads(text.decode())
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
