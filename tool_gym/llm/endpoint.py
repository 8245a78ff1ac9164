"""What is talked to: an OpenAI-compatible endpoint and one of its models."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from tool_gym.errors import EndpointError


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible endpoint and one of its models.

    Args:
        base_url: Where `/chat/completions` is found, as in `http://localhost:8000/v1`. Nothing else is ever talked to:
            redirects are refused.
        model: The model's name there.
        key_variable: Environment variable that holds the key; the key itself is kept nowhere.
        connect_seconds: Longest wait for a connection.
        read_seconds: Longest silence of the server.
        total_seconds: Longest time for one request, retries apart.
        retries: How often a failed request is tried again.
        first_wait: Time before the first of them, in seconds, where the server does not say; doubled with each.

    Raises:
        EndpointError: If the URL is none, or sends a key over the open network without TLS, or the key is none.
    """

    base_url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    connect_seconds: float = 10.0
    read_seconds: float = 120.0
    total_seconds: float = 300.0
    retries: int = 4
    first_wait: float = 0.5

    def __post_init__(self) -> None:
        """Check the URL."""
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            msg = f"{self.base_url!r} is no base URL of an endpoint; one looks like http://localhost:8000/v1"
            raise EndpointError(msg)
        if not (self.key.isascii() and self.key.isprintable()):
            msg = f"the key in {self.key_variable} holds characters that no key has; was it copied whole?"
            raise EndpointError(msg)
        if parts.scheme == "http" and self.key and not _is_near(parts.hostname):
            msg = (
                f"{self.base_url!r} would send the key in {self.key_variable} unencrypted; use https, or unset the "
                "variable if the endpoint needs no key"
            )
            raise EndpointError(msg)

    @property
    def key(self) -> str:
        """The key, from the environment; empty if there is none."""
        return os.environ.get(self.key_variable, "").strip()

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"{self.base_url.rstrip('/')}/chat/completions"

    def redacted(self, text: str) -> str:
        """Return a text without the key, should it be in there."""
        return text.replace(self.key, "…") if self.key else text

    def headers(self) -> dict[str, str]:
        """Return the headers of a request; they are never logged or stored."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def parse_endpoint(text: str) -> Endpoint:
    """Return the endpoint written as `BASE_URL#MODEL`.

    Raises:
        EndpointError: If it is not written so.

    >>> parse_endpoint("http://localhost:8000/v1#tiny").model
    'tiny'
    """
    base_url, mark, model = text.partition("#")
    if not mark or not model:
        msg = f"an endpoint is written BASE_URL#MODEL, as in http://localhost:8000/v1#my-model, not {text!r}"
        raise EndpointError(msg)
    return Endpoint(base_url, model)


def _is_near(host: str) -> bool:
    """Return whether a host is this machine or one of a private network."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False
