"""ChatPolicy: a model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tool_gym import jsonio
from tool_gym.agents.policies.base import check_dialect, check_range
from tool_gym.dialects import Dialect, get_dialect
from tool_gym.dialects.openai import OpenAI
from tool_gym.envs.env import ToolUseEnv
from tool_gym.errors import AgentError, EndpointError
from tool_gym.llm.client import Client, Completion
from tool_gym.llm.transport import RefusedError
from tool_gym.messages import Conversation
from tool_gym.turns import Turn

STAGE = "rollout"
"""What the client's ledger notes turns under."""

_NATIVE = ("openai", "structured")
_KEYS = ("content", "tool_calls", "function_call", "reasoning_content", "reasoning")
_OVERLONG = ("context length", "context_length", "context window", "context size", "prompt is too long")
"""What endpoints say when a conversation is too long for the model."""
_OPENAI = OpenAI()


class ChatPolicy:
    """Has a model behind an endpoint write the turns.

    Under the dialects `openai` and `structured` the endpoint is sent messages and tools, and its own `tool_calls` are
    the turn. Under any other, the model is shown what the dialect shows: the tools in the system message, then its own
    turns exactly as it wrote them, with what it observed in between; the endpoint is told of no tools, and its text is
    the turn.

    What is the model's: a reply that is cut at `max_tokens`, empty, refused or filtered, and calls that cannot be read,
    are turns like any other; so is the end of its context, where it says nothing more. `counts` says how many there
    were. What is not: an endpoint that fails or does not answer in time, after the client's retries, raises
    `EndpointError`, and the episode counts for nothing.

    Thinking that an endpoint sends apart from the text is kept in the record under native dialects, and not sent back.
    Arguments that are no JSON object are sent back as `{"text": …}`, for some servers fail at anything else.

    Args:
        client: The endpoint, its time-outs and retries; its concurrency should be at least this one's.
        dialect: The environment's.
        max_tokens: Longest turn, in tokens.
        temperature: Of sampling; 0 for the likeliest, as far as the endpoint holds to it.
        concurrency: Most turns asked for at a time.
        name: Name in tables and records; None for the model's.
        **options: Further fields of each request, such as `top_p` or `reasoning_effort`.

    Raises:
        AgentError: If a number is out of its range.
        UnknownNameError: If there is no such dialect.
    """

    def __init__(  # noqa: PLR0913 - what a request says
        self,
        client: Client,
        *,
        dialect: str | Dialect = "openai",
        max_tokens: int = 1024,
        temperature: float = 0.0,
        concurrency: int = 8,
        name: str | None = None,
        **options: Any,
    ) -> None:
        check_range(max_tokens=max_tokens, concurrency=concurrency)
        if not temperature >= 0:
            msg = f"temperature must be 0 or more, not {temperature}"
            raise AgentError(msg)
        self.dialect = get_dialect(dialect) if isinstance(dialect, str) else dialect
        self.name = name or f"openai:{client.endpoint.model}"
        self.counts: Counter[str] = Counter()
        """Turns, and among them those that were cut, empty, refused, filtered or overlong."""
        self._client = client
        self._options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature, **options}
        self._concurrency = concurrency
        self._is_native = self.dialect.name in _NATIVE

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Check that the environment reads what this policy writes; the endpoint knows of no seed."""
        del seed
        check_dialect(env, self.dialect.name, self.name)

    def act(self, observation: str, info: dict[str, Any]) -> Any:
        """Return the next turn.

        Raises:
            EndpointError: If the endpoint does not answer; it names the episode.
        """
        return self.act_many([observation], [info])[0]

    def act_many(self, observations: Sequence[str], infos: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Return the next turn of every episode, asked for side by side.

        Raises:
            EndpointError: If the endpoint does not answer; it names the episode.
        """
        del observations
        if len(infos) < 2:
            said = [self._ask(info) for info in infos]
        else:
            with ThreadPoolExecutor(min(self._concurrency, len(infos))) as pool:
                said = list(pool.map(self._ask, infos))
        return [self._turn(completion) for completion in said]

    def _ask(self, info: Mapping[str, Any]) -> Completion | None:
        """Return what the model says; None if the conversation has outgrown its context."""
        options = self._options
        if self._is_native and info["tools"]:
            options = {**options, "tools": list(info["tools"])}
        messages = list(_sendable(info["messages"]) if self._is_native else _shown(self.dialect, info))
        try:
            return self._client.complete(messages, stage=STAGE, **options)
        except EndpointError as error:
            if isinstance(error, RefusedError) and any(sign in str(error).casefold() for sign in _OVERLONG):
                return None
            turn = sum(message["role"] == "assistant" for message in info["messages"]) + 1
            msg = f"scenario {info['scenario_id']}, turn {turn}: {error}"
            raise type(error)(msg) from error

    def _turn(self, said: Completion | None) -> Any:
        """Return what the model said as the dialect takes it, and count what is odd about it."""
        message = {key: said.message[key] for key in _KEYS if said.message.get(key)} if said else {}
        self.counts.update(["turns", *_oddities(said, message)])
        if not self._is_native and not (message.keys() & {"tool_calls", "function_call"}):
            return said.text if said else ""
        turn = _OPENAI.parse({"role": "assistant", **message})
        if self.dialect.name == "structured":
            return turn
        return jsonio.dumps({"role": "assistant", **message}) if self._is_native else self.dialect.write(turn)


def _oddities(said: Completion | None, message: Mapping[str, Any]) -> Iterator[str]:
    if said is None:
        yield "overlong"
        return
    if said.finish == "length":
        yield "cut"
    if said.finish == "content_filter":
        yield "filtered"
    if said.message.get("refusal"):
        yield "refused"
    if not message.keys() & {"content", "tool_calls", "function_call"}:
        yield "empty"


def _sendable(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the messages as any endpoint takes them."""
    for message in messages:
        sent = {key: value for key, value in message.items() if key != "reasoning_content"}
        if sent.get("tool_calls"):
            sent["tool_calls"] = list(map(_sendable_call, sent["tool_calls"]))
        yield sent


def _sendable_call(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = call["function"]["arguments"]
    try:
        is_object = isinstance(jsonio.loads(arguments), dict)
    except ValueError:
        is_object = False
    if not is_object:
        arguments = jsonio.dumps({"text": jsonio.clean_text(arguments)})
    return {**call, "function": {**call["function"], "arguments": arguments}}


def _shown(dialect: Dialect, info: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a conversation as a dialect of text shows it, the model's turns as it wrote them."""
    messages, tools = info["messages"], info["tools"]
    if not isinstance(messages, Conversation):  # a wrapper has changed it: there are no turns as they were written
        yield {"role": "user", "content": dialect.render(messages, tools)}
        return
    asked = messages.opening[-1]["content"]
    opening = dialect.opening(asked, tools)
    system = opening.removesuffix(asked).rstrip() if opening.endswith(asked) else ""
    if system:
        yield {"role": "system", "content": system}
    yield {"role": "user", "content": asked if system else opening}
    for step in messages.steps:
        yield {"role": "assistant", "content": _written(dialect, step.turn)}
        yield {"role": "user", "content": dialect.observe(step.turn.calls, step.results, step.reply)}


def _written(dialect: Dialect, turn: Turn) -> str:
    return turn.raw or str(dialect.write(turn))
