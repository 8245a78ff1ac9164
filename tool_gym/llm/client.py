"""A client: endpoint, cache and ledger together."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from tool_gym import jsonio
from tool_gym.errors import EndpointError
from tool_gym.llm.cache import NotRecordedError, ResponseCache, key_of
from tool_gym.llm.endpoint import Endpoint
from tool_gym.llm.ledger import Ledger, Tally
from tool_gym.llm.transport import RefusedError, Transport

CHARACTERS_PER_TOKEN = 3
"""For estimates before a request; on the safe side for English and JSON."""


_DIALECTS: dict[str, tuple[str, str | None]] = {
    "max_completion_tokens": ("max_tokens", "max_completion_tokens"),
    "temperature": ("temperature", None),
}
"""What a refusal speaks of → field of the request, and what it is called there; None where it is not taken at all."""


@dataclass(frozen=True)
class Completion:
    """One answer of a model."""

    text: str
    finish: str
    """Why it ended: `stop`, `length`, `tool_calls`, `content_filter` or what else the endpoint says."""
    message: dict[str, Any]
    """The assistant's message as it came."""
    tokens: int
    """Prompt and completion; 0 where the endpoint does not count."""
    is_cached: bool


class Client:
    """Asks one model; safe to share between threads. Close it, or use it in a `with` block.

    Args:
        endpoint: The model.
        cache: What was answered before; None asks every time and keeps nothing. Whoever opened it closes it.
        ledger: Where what is paid for is noted; None for one without caps.
        concurrency: Most requests at a time.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        cache: ResponseCache | None = None,
        ledger: Ledger | None = None,
        concurrency: int = 8,
    ) -> None:
        self.endpoint = endpoint
        self.cache = cache
        self.ledger = ledger if ledger is not None else Ledger()
        self.tally = Tally()
        """What the answers given took when they were paid for, by whichever run that was; not shared by `apart`."""
        self._wire = _Wire(endpoint, concurrency)

    def apart(self) -> Client:
        """Return the same client with a tally of its own: for one thread, or for one piece of work."""
        other = copy.copy(self)
        other.tally = Tally()
        return other

    def complete(
        self,
        messages: Sequence[dict[str, Any]],
        *,
        stage: str,
        version: str = "1",
        sample: int = 0,
        max_tokens: int = 2048,
        **options: Any,
    ) -> Completion:
        """Ask for one answer.

        Args:
            messages: The conversation, in OpenAI's form.
            stage: What the ledger notes it under.
            version: Version of whatever wrote the messages; part of the cache's key.
            sample: Number of the sample; part of the cache's key.
            max_tokens: Longest answer, in tokens.
            **options: Further fields of the request: temperature, tools, response_format …

        Raises:
            RefusedError: If the endpoint will not have a request like this.
            NotRecordedError: If only recorded answers are wanted, and there is none.
            EndpointError: If the endpoint fails for good, or says nothing usable.
            BudgetError: If a cap of the ledger could be passed.
        """
        body = {"model": self.endpoint.model, "messages": list(messages), "max_tokens": max_tokens, **options}
        known = self._known(key := key_of(self.endpoint.model, body, version, sample), stage)
        response, retries = known if known is not None else self._ask(body, stage, max_tokens)
        if known is None and self.cache is not None and self.cache.mode == "record":
            self.cache.put(key, body, {"response": response, "retries": retries})
        completion = _completion(response, is_cached=known is not None)
        self.tally.spend(stage, _usage(response), retries=retries)
        return completion

    def waste(self, stage: str, reason: str, tokens: int) -> None:
        """Note that the tokens of an answer came to nothing."""
        self.tally.note(stage, f"wasted: {reason}", tokens)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _known(self, key: str, stage: str) -> tuple[dict[str, Any], int] | None:
        """Return the recorded (response, retries); None if the endpoint is to be asked."""
        if self.cache is None or self.cache.mode == "live":
            return None
        known = self.cache.get(key)
        if known is not None:
            self.ledger.note(stage, "from the cache")
            return known["response"], known["retries"]
        if self.cache.mode == "replay":
            msg = f"the recording {self.cache.path} holds no answer to this request of stage {stage!r} ({key})"
            raise NotRecordedError(msg)
        return None

    def _ask(self, body: dict[str, Any], stage: str, max_tokens: int) -> tuple[dict[str, Any], int]:
        reserved = self.ledger.reserve(tokens_of(body), max_tokens)
        try:
            response, retries = self._wire.post(body)
            self.ledger.spend(stage, _usage(response), retries=retries)
        except EndpointError:
            self.ledger.note(stage, "failed requests")
            raise
        finally:
            self.ledger.release(reserved)
        _completion(response, is_cached=False)  # what is no answer is never recorded
        return response, retries


def tokens_of(body: Any) -> int:
    """Return how many tokens JSON data may take in a prompt, on the safe side.

    >>> tokens_of({"role": "user"})
    5
    """
    return len(jsonio.dump_bytes(body)) // CHARACTERS_PER_TOKEN


class _Wire:
    """The transport of a client and of those made from it; opened by the first that needs it."""

    def __init__(self, endpoint: Endpoint, concurrency: int) -> None:
        self._endpoint = endpoint
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._quirks: set[str] = set()

    def post(self, body: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Send a request in the dialect the endpoint has turned out to speak."""
        transport = self.transport()
        for _ in _DIALECTS:
            try:
                return transport.post(self._translated(body))
            except RefusedError as error:
                learnt = {quirk for quirk in _DIALECTS if quirk in str(error)} - self._quirks
                if not learnt:
                    raise
                self._quirks |= learnt
        return transport.post(self._translated(body))

    def _translated(self, body: dict[str, Any]) -> dict[str, Any]:
        renamed = {_DIALECTS[quirk][0]: _DIALECTS[quirk][1] for quirk in self._quirks}
        pairs = ((renamed.get(name, name), value) for name, value in body.items())
        return {name: value for name, value in pairs if name is not None}

    def transport(self) -> Transport:
        with self._lock:
            if self._transport is None:
                self._transport = Transport(self._endpoint, concurrency=self._concurrency)
            return self._transport

    def close(self) -> None:
        with self._lock:
            if self._transport is not None:
                self._transport.close()
            self._transport = None


def _completion(response: dict[str, Any], *, is_cached: bool) -> Completion:
    try:
        choice = response["choices"][0]
        message = choice["message"]
        text, finish = message.get("content") or "", choice.get("finish_reason") or "stop"
    except (KeyError, IndexError, TypeError, AttributeError):
        msg = f"the endpoint's response is no chat completion: {jsonio.dumps(response)[:200]}"
        raise EndpointError(msg) from None
    if not isinstance(text, str):
        msg = "the endpoint's answer is no text"
        raise EndpointError(msg)
    usage = _usage(response)
    return Completion(text, str(finish), message, usage["prompt_tokens"] + usage["completion_tokens"], is_cached)


def _usage(response: dict[str, Any]) -> dict[str, int]:
    told = response.get("usage")
    told = told if isinstance(told, dict) else {}
    details = told.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else 0
    found = {"prompt_tokens": told.get("prompt_tokens"), "completion_tokens": told.get("completion_tokens")}
    found["cached_tokens"] = cached
    return {name: value if type(value) is int and value >= 0 else 0 for name, value in found.items()}
