"""ADD4 on NeMo Gym: a resources server with a route for the tool and `/verify`, called in process without a socket."""

# NeMo Gym is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import asyncio
import itertools
from typing import Any
from unittest.mock import MagicMock

import httpx
from nemo_gym.base_resources_server import (
    BaseResourcesServerConfig,
    BaseVerifyRequest,
    BaseVerifyResponse,
    SimpleResourcesServer,
)
from nemo_gym.server_utils import ServerClient
from pydantic import BaseModel

from benchmarks.peers import workload
from benchmarks.peers.workload import REQUEST, SCRIPT, Player, serve


class Pair(BaseModel):
    """Arguments of the tool."""

    a: int
    b: int


class Sum(BaseModel):
    """Result of the tool."""

    value: int


class Verify(BaseVerifyRequest):
    """The finished conversation and what it should have come to."""

    answer: str


class AddServer(SimpleResourcesServer):
    """Offers the tool and verifies the answer."""

    def setup_webserver(self) -> Any:
        """Add the tool's route."""
        app = super().setup_webserver()
        app.post("/add")(self.add)
        return app

    async def add(self, body: Pair) -> Sum:
        """Add two integers."""
        return Sum(value=workload.add(body.a, body.b))

    async def verify(self, body: Verify) -> BaseVerifyResponse:
        """Compare the last message with the answer."""
        said = body.response.output[-1].content[0].text
        return BaseVerifyResponse(**body.model_dump(), reward=float(said == body.answer))


def finished(text: str, answer: str) -> dict[str, Any]:
    """Return the body of /verify: the model's last response in the form of OpenAI's Responses, and the answer."""
    message = {
        "id": "message",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }
    response = {
        "id": "response",
        "object": "response",
        "created_at": 0,
        "model": "scripted",
        "output": [message],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }
    return {"responses_create_params": {"input": REQUEST}, "response": response, "answer": answer}


def server() -> Player:
    """Return a player of the server's application, which gets its requests without a socket."""
    config = BaseResourcesServerConfig(host="localhost", port=0, entrypoint="", name="add4")
    app = AddServer(config=config, server_client=MagicMock(spec=ServerClient)).setup_webserver()
    script = itertools.cycle(SCRIPT)

    async def play(episodes: int) -> float:
        total = 0.0
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://server") as client:
            for item in itertools.islice(script, episodes):
                client.cookies.clear()
                await client.post("/seed_session", json={})
                served = 0
                for a, b in item.pairs:
                    served += (await client.post("/add", json={"a": a, "b": b})).json()["value"]
                total += (await client.post("/verify", json=finished(str(served), item.answer))).json()["reward"]
        return total

    return lambda episodes: asyncio.run(play(episodes))


serve({"tool route and /verify, in process": server})
