"""What endpoints answered, by the content of the request: a run can be repeated without asking anyone.

Keys are hashes of everything the answer may depend on; nothing secret is stored. SQLite in write-ahead mode: many
threads and processes may read and write, and a kill at any moment loses at most the answer on its way.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

from tool_gym import jsonio
from tool_gym.errors import EndpointError

Mode: TypeAlias = Literal["live", "record", "replay"]
"""live: always ask. record: ask what is not known, and keep it. replay: never ask."""

MODES: tuple[Mode, ...] = ("live", "record", "replay")


class NotRecordedError(EndpointError):
    """Raised when only recorded answers are wanted, and there is none to a request."""


def key_of(model: str, request: dict[str, Any], version: str, sample: int) -> str:
    """Return the key of a request.

    Args:
        model: The model's name.
        request: The request's body.
        version: Version of whatever wrote the request; a new one asks anew.
        sample: Number of the sample, where several answers to one request are wanted.
    """
    content = jsonio.dump_bytes(["chat", model, request, version, sample], sort_keys=True)
    return hashlib.blake2b(content, digest_size=16).hexdigest()


class ResponseCache:
    """Stored responses; close it, or use it in a `with` block.

    Args:
        path: The file; made if missing, unless `mode` is replay.
        mode: What is done with it.

    Raises:
        EndpointError: If the file is no such cache, or is missing and only to be replayed.
    """

    def __init__(self, path: Path, mode: Mode) -> None:
        if mode == "replay" and not path.is_file():
            msg = f"there is no recording {path} to replay; make one with the mode record"
            raise EndpointError(msg)
        self.path = path
        self.mode = mode
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            msg = f"{path} cannot be opened as a cache of responses: {error}"
            raise EndpointError(msg) from None
        try:
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS responses (key TEXT PRIMARY KEY, request TEXT, response TEXT) WITHOUT ROWID"
            )
            self._connection.execute("SELECT key, request, response FROM responses LIMIT 1")
        except sqlite3.Error as error:
            self._connection.close()
            msg = f"{path} is no cache of responses: {error}"
            raise EndpointError(msg) from None

    def get(self, key: str) -> dict[str, Any] | None:
        """Return the response stored under a key; None if there is none."""
        with self._lock:
            row = self._connection.execute("SELECT response FROM responses WHERE key = ?", (key,)).fetchone()
        found: dict[str, Any] | None = jsonio.loads(row[0]) if row is not None else None
        return found

    def put(self, key: str, request: dict[str, Any], response: dict[str, Any]) -> None:
        """Store a response; the first one under a key stays."""
        row = (key, jsonio.dumps(request), jsonio.dumps(response))
        with self._lock, self._connection:
            self._connection.execute("INSERT OR IGNORE INTO responses VALUES (?, ?, ?)", row)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        with self._lock:
            count: int = self._connection.execute("SELECT COUNT(*) FROM responses").fetchone()[0]
        return count

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
