"""A deterministic endpoint on the loopback interface: what a model may do to a client, without a model.

    with FakeEndpoint(answer) as fake:
        Client(fake.endpoint())

Answers come from a function of the request; `script` says how each is delivered, one word per request in their order,
the last one from then on:

    valid          as it is                            refusing   the model declines
    malformed      JSON that ends too early            slow       longer than the client waits
    truncated      finish_reason "length"              429        with Retry-After
    wrong          valid JSON of another schema        500        the server fails
    unsupported    400: response_format unknown        garbage    no JSON, no HTTP body to speak of
    fenced         in a Markdown block, with chatter   hangup     the connection is closed
    empty          no text and no calls                filtered   nothing, finish_reason "content_filter"
    too_long       400: beyond the model's context

Of an answer that calls tools, it is the last call's arguments that end too early.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tool_gym import jsonio
from tool_gym.llm.endpoint import Endpoint

Answer = Callable[[dict[str, Any]], str | dict[str, Any]]
"""From a request's body to the text of the answer; or to a message, such as one with `tool_calls`."""

SLOW_SECONDS = 1.5


class FakeEndpoint:
    """A server that answers chat completions.

    Args:
        answer: Gives each answer.
        script: How answers are delivered; see the module's docstring.
        constraints: Which fields that constrain the answer it knows; requests with others are refused.
    """

    def __init__(
        self,
        answer: Answer,
        script: Sequence[str] = ("valid",),
        *,
        constraints: Sequence[str] = ("json_schema", "structured_outputs", "guided_json", "json_object"),
    ) -> None:
        self.answer = answer
        self.script = list(script)
        self.constraints = tuple(constraints)
        self.requests: list[dict[str, Any]] = []
        """The bodies received, in order."""
        self.keys: list[str] = []
        """The Authorization headers received."""
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def endpoint(self, **changes: Any) -> Endpoint:
        """Return it as an endpoint, with short time-outs."""
        quick: dict[str, Any] = {"connect_seconds": 5.0, "read_seconds": 1.0, "retries": 2, "first_wait": 0.02}
        return Endpoint(self.base_url, "fake", **{**quick, **changes})

    def deliver(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
        """Return (status, headers, content) of the response to a request; status 0 hangs up."""
        with self._lock:
            how = self.script[min(len(self.requests), len(self.script) - 1)]
            self.requests.append(body)
            self.keys.append(key)
        if not set(_constraints_of(body)) <= set(self.constraints):
            how = "unsupported"
        if how == "slow":
            self._closing.wait(SLOW_SECONDS)
        return _FAILURES[how] if how in _FAILURES else (200, {}, jsonio.dump_bytes(_completion(self.answer(body), how)))


class _Server(ThreadingHTTPServer):
    """Knows its connections, so that none outlives it."""

    daemon_threads = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        for request in list(self._open):
            with suppress(OSError):  # closed from the other side
                request.shutdown(socket.SHUT_RDWR)


_FAILURES: dict[str, tuple[int, dict[str, str], bytes]] = {
    "429": (429, {"Retry-After": "0.05"}, b'{"error": {"message": "slow down"}}'),
    "500": (500, {}, b'{"error": {"message": "out of memory"}}'),
    "too_long": (400, {}, b'{"error": {"message": "the maximum context length of this model is 64 tokens"}}'),
    "unsupported": (400, {}, b'{"error": {"message": "this field is not supported"}}'),
    "garbage": (200, {}, b"\xff\xfe not json"),
    "hangup": (0, {}, b""),
}


def _completion(answer: str | dict[str, Any], how: str) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", **(answer if isinstance(answer, dict) else {"content": answer})}
    calls, text = message.get("tool_calls"), message.get("content") or ""
    finish = "tool_calls" if calls else "stop"
    if how in ("malformed", "truncated"):
        kept = 2 / 3 if how == "malformed" else 1 / 2
        if calls:
            message["tool_calls"] = [*calls[:-1], _cut_call(calls[-1], kept)]
        else:
            message["content"] = text[: int(len(text) * kept)]
        finish = "length" if how == "truncated" else finish
    elif how == "wrong":
        message["content"] = '{"something": "else"}'
    elif how == "fenced":
        message["content"] = f"Sure! Here it is:\n```json\n{text}\n```\nAnything else?"
    elif how == "refusing":
        message |= {"content": "I'm sorry, I can't help with that.", "refusal": "I can't help with that."}
    elif how in ("empty", "filtered"):
        message = {"role": "assistant", "content": None}
        finish = "content_filter" if how == "filtered" else "stop"
    usage = {"prompt_tokens": 100, "completion_tokens": max(1, len(text) // 4)}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}


def _cut_call(call: dict[str, Any], kept: float) -> dict[str, Any]:
    arguments = call["function"]["arguments"]
    return {**call, "function": {**call["function"], "arguments": arguments[: int(len(arguments) * kept)]}}


def _constraints_of(body: dict[str, Any]) -> list[str]:
    found: list[str] = [name for name in ("structured_outputs", "guided_json") if name in body]
    if "response_format" in body:
        found.append(str(body["response_format"].get("type")))
    return found


def _handler(fake: FakeEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a response in two packets would wait 40 ms for the first one's receipt

        def do_POST(self) -> None:
            body = jsonio.loads(self.rfile.read(int(self.headers["Content-Length"])).decode())
            status, headers, content = fake.deliver(body, self.headers.get("Authorization", ""))
            if status == 0:
                self.close_connection = True
                return
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the client has given up on a slow answer

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler
