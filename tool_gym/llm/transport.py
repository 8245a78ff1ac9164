"""One request over HTTP: bounded in time and size, tried again when that can help, never in a hurry.

Tried again: a failed connection, a time-out, and the statuses 408, 409, 429 and 5xx; after `Retry-After` where the
server says so, else after a time that doubles. After `BREAKER` failures in a row every request fails at once for a
while: an endpoint that is down is not helped by being asked more.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from tool_gym import jsonio
from tool_gym.errors import EndpointError
from tool_gym.llm.endpoint import Endpoint

MAX_BYTES = 16 * 1024 * 1024
"""Largest response that is read."""

BREAKER = 8
"""Failures in a row after which requests fail at once."""

BREAK_SECONDS = 30.0
LONGEST_WAIT = 30.0
MAX_RETRY_AFTER = 120.0

_REFUSED = frozenset({400, 422})
_AGAIN = frozenset({408, 409, 429, *range(500, 600)})


class RefusedError(EndpointError):
    """Raised when an endpoint refuses a request as such (status 400 or 422): the same one would be refused again."""


class Transport:
    """Sends requests to one endpoint; safe to share between threads.

    Args:
        endpoint: Where to.
        concurrency: Most requests at a time; halved when the server says that it is too much, and raised again by one
            after each that succeeds.
        sleep: Waits so many seconds.
    """

    def __init__(
        self, endpoint: Endpoint, *, concurrency: int = 8, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        httpx = _httpx()
        self.endpoint = endpoint
        self._httpx = httpx
        self._sleep = sleep
        self._limit = _Limit(concurrency)
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_until = 0.0
        timeout = httpx.Timeout(endpoint.read_seconds, connect=endpoint.connect_seconds)
        self._client = httpx.Client(timeout=timeout, follow_redirects=False, trust_env=False)

    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Send one request.

        Returns:
            The response's JSON object, and how often the request had to be tried again.

        Raises:
            RefusedError: If the endpoint will not have a request like this.
            EndpointError: If it fails for good; the message holds no key and at most 300 characters of the server's.
        """
        problem = ""
        for attempt in range(self.endpoint.retries + 1):
            if time.monotonic() < self._closed_until:
                msg = f"{self.endpoint.url} failed {BREAKER} times in a row and is left alone for a while; {problem}"
                raise EndpointError(msg.rstrip("; "))
            with self._limit:
                response, problem, wait = self._try(body)
            if response is not None:
                with self._lock:
                    self._failures = 0
                self._limit.widen()
                return response, attempt
            self._failed()
            if wait is None:
                break
            if attempt < self.endpoint.retries:
                self._sleep(wait or min(LONGEST_WAIT, self.endpoint.first_wait * 2**attempt) * (0.5 + random.random()))
        msg = f"{self.endpoint.url} does not answer: {problem}"
        raise EndpointError(msg)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _try(self, body: dict[str, Any]) -> tuple[dict[str, Any] | None, str, float | None]:
        """Return (response, problem, seconds to wait): None for no second try, 0 for the usual wait."""
        try:
            with self._client.stream("POST", self.endpoint.url, json=body, headers=self.endpoint.headers()) as response:
                content = self._read(response)
        except self._httpx.TimeoutException as error:
            return None, f"no answer in time ({type(error).__name__})", 0.0
        except self._httpx.HTTPError as error:
            return None, f"{type(error).__name__}: {self.endpoint.redacted(str(error))[:300]}", 0.0
        told = f"status {response.status_code}: {self._said(content)}".rstrip(": ")
        if response.status_code in _REFUSED:
            msg = f"{self.endpoint.url} refuses the request: {told}"
            raise RefusedError(msg)
        if response.status_code in _AGAIN:
            if response.status_code == 429:
                self._limit.narrow()
            return None, told, _retry_after(response.headers.get("retry-after"))
        if response.status_code != 200:
            return None, told, None
        try:
            found = jsonio.loads(content.decode())
        except ValueError:
            return None, f"the response is no JSON: {content[:80]!r}", 0.0
        return (found, "", 0.0) if isinstance(found, dict) else (None, "the response is no JSON object", 0.0)

    def _read(self, response: Any) -> bytes:
        """Read a response within its time and size; raises a time-out of httpx's kind."""
        start, content = time.monotonic(), b""
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > MAX_BYTES:
                msg = f"the response is larger than {MAX_BYTES} bytes"
                raise self._httpx.DecodingError(msg)
            if time.monotonic() - start > self.endpoint.total_seconds:
                msg = f"the response took longer than {self.endpoint.total_seconds} seconds"
                raise self._httpx.ReadTimeout(msg)
        return content

    def _said(self, content: bytes) -> str:
        return self.endpoint.redacted(" ".join(content[:1000].decode(errors="replace").split()))[:300]

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= BREAKER:
                self._failures, self._closed_until = 0, time.monotonic() + BREAK_SECONDS


class _Limit:
    """How many requests may be under way: additive increase, multiplicative decrease."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(most)
        self._busy = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._busy < max(1, int(self._allowed)))
            self._busy += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def narrow(self) -> None:
        with self._changed:
            self._allowed = max(1.0, self._allowed / 2)

    def widen(self) -> None:
        with self._changed:
            self._allowed = min(float(self._most), self._allowed + 1 / max(1.0, self._allowed))
            self._changed.notify_all()


def _retry_after(told: str | None) -> float:
    """Return how long a server wants to be left alone, in seconds; 0 where it does not say."""
    try:
        return min(MAX_RETRY_AFTER, max(0.0, float(told or 0)))
    except ValueError:
        return 0.0  # a date: the usual wait does


def _httpx() -> Any:
    try:
        import httpx
    except ImportError:
        msg = "talking to a model needs httpx: pip install 'tool-gym[llm]'"
        raise EndpointError(msg) from None
    return httpx
