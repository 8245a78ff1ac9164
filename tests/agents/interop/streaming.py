"""An endpoint on the loopback interface that plays an oracle, and streams its answers where it is asked to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tool_gym.llm.fake import FakeEndpoint
from tool_gym.messages import assistant_message
from tool_gym.trajectory import Trajectory


class Player(FakeEndpoint):
    """Says, in each conversation, what an episode with the same opening said at that place."""

    def __init__(self, episodes: Mapping[str, Trajectory]) -> None:
        """Play `episodes`, by what the user says first."""
        super().__init__(lambda body: _next(episodes, body["messages"]))

    def deliver(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
        status, headers, content = super().deliver(body, key)
        if not body.get("stream"):
            return status, headers, content
        return status, {**headers, "Content-Type": "text/event-stream"}, _events(json.loads(content))


def _next(episodes: Mapping[str, Trajectory], messages: list[dict[str, Any]]) -> dict[str, Any]:
    said = next(message["content"] for message in messages if message["role"] == "user")
    opening = said if isinstance(said, str) else said[0]["text"]
    number = sum(message["role"] == "assistant" for message in messages)
    return assistant_message(episodes[opening].steps[number].turn, number)


def _events(completion: dict[str, Any]) -> bytes:
    choice = completion["choices"][0]
    delta = dict(choice["message"])
    if delta.get("tool_calls"):
        delta["tool_calls"] = [{"index": number, **call} for number, call in enumerate(delta["tool_calls"])]
    head = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "fake"}
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}]},
        {**head, "choices": [], "usage": {**completion["usage"], "total_tokens": 1}},
    ]
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
