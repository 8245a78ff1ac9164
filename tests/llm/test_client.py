"""The client against a real server on the loopback interface: time, retries, cache, money, secrets."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.llm.keeping import Keep
from tool_gym.errors import BudgetError, EndpointError
from tool_gym.llm.cache import ResponseCache, key_of
from tool_gym.llm.client import Client, Completion
from tool_gym.llm.endpoint import Endpoint, parse_endpoint
from tool_gym.llm.fake import FakeEndpoint
from tool_gym.llm.ledger import Ledger, Price
from tool_gym.llm.transport import BREAKER

ASKED: list[dict[str, Any]] = [{"role": "user", "content": "Hello?"}]


def echo(body: dict[str, Any]) -> str:
    return f"You said {body['messages'][-1]['content']}"


def ask(client: Client, **options: Any) -> Completion:
    return client.complete(ASKED, stage="test", **options)


class TestTransport:
    @pytest.mark.parametrize("trouble", ["429", "500", "garbage", "hangup", "slow"])
    def test_what_may_pass_is_tried_again(self, keep: Keep, trouble: str) -> None:
        with FakeEndpoint(echo, (trouble, "valid")) as fake:
            client = keep(Client(fake.endpoint()))
            assert ask(client).text == "You said Hello?"
            assert len(fake.requests) == 2
            assert client.ledger.paid.stages["test"]["retries"] == 1

    def test_what_will_not_pass_is_not(self, keep: Keep) -> None:
        with FakeEndpoint(echo, constraints=()) as fake:
            with pytest.raises(EndpointError, match=r"status 400: .*not supported"):
                ask(keep(Client(fake.endpoint())), guided_json={})
            assert len(fake.requests) == 1

    @pytest.mark.parametrize(
        ("complaint", "left"),
        [
            ("Unsupported parameter: use 'max_completion_tokens' instead", {"max_completion_tokens", "temperature"}),
            ("'temperature' does not support 0.5 with this model", {"max_tokens"}),
        ],
        ids=["another name", "not taken"],
    )
    def test_dialects_are_learnt_from_refusals(self, keep: Keep, complaint: str, left: set[str]) -> None:
        class Particular(FakeEndpoint):
            def deliver(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
                found = super().deliver(body, key)
                is_right = set(body) - {"model", "messages"} == left
                return found if is_right else (400, {}, f'{{"error": {{"message": "{complaint}"}}}}'.encode())

        with Particular(echo) as fake:
            client = keep(Client(fake.endpoint()))
            for number in range(2):
                assert ask(client, temperature=0.5, sample=number).text == "You said Hello?"
            assert len(fake.requests) == 3

    def test_a_key_that_the_server_repeats_is_not_told(self, keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", " sk-secret\n")

        class Telling(FakeEndpoint):
            def deliver(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
                super().deliver(body, key)
                return 401, {}, f"Incorrect API key provided: {key}".encode()

        with Telling(echo) as fake:
            with pytest.raises(EndpointError, match="Incorrect API key provided: Bearer …"):
                ask(keep(Client(fake.endpoint())))
            assert fake.keys == ["Bearer sk-secret"]

    def test_a_key_with_strange_characters_is_refused_unseen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-\nsecret")
        with pytest.raises(EndpointError, match="holds characters that no key has"):
            Endpoint("http://127.0.0.1:1/v1", "x")

    def test_an_endpoint_that_stays_down_is_given_up(self, keep: Keep) -> None:
        with FakeEndpoint(echo, ("500",)) as fake:
            with pytest.raises(EndpointError, match=r"does not answer: status 500: .*out of memory"):
                ask(keep(Client(fake.endpoint())))
            assert len(fake.requests) == 3

    def test_after_many_failures_it_is_left_alone(self, keep: Keep) -> None:
        with FakeEndpoint(echo, ("500",)) as fake:
            client = keep(Client(fake.endpoint(retries=0)))
            for _ in range(BREAKER):
                with pytest.raises(EndpointError, match="status 500"):
                    ask(client)
            with pytest.raises(EndpointError, match="left alone for a while"):
                ask(client)
            assert len(fake.requests) == BREAKER

    def test_nobody_there(self, keep: Keep) -> None:
        with pytest.raises(EndpointError, match="ConnectError"):
            ask(keep(Client(Endpoint("http://127.0.0.1:9/v1", "x", retries=0))))

    def test_many_threads_share_a_client(self, keep: Keep) -> None:
        with FakeEndpoint(echo, ("429", "429", "429", "valid")) as fake:
            client = keep(Client(fake.endpoint(retries=6), concurrency=4))
            with ThreadPoolExecutor(12) as pool:
                told = list(pool.map(lambda number: ask(client, sample=number).text, range(24)))
            assert told == ["You said Hello?"] * 24
            assert client.ledger.paid.stages["test"]["requests"] == 24

    @pytest.mark.parametrize("url", ["", "localhost:8000", "ftp://x/v1", "https://user:secret@x/v1", "http://x/v1?a=b"])
    def test_a_url_must_be_one(self, url: str) -> None:
        with pytest.raises(EndpointError, match="no base URL"):
            Endpoint(url, "x")

    def test_a_key_does_not_travel_unencrypted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        with pytest.raises(EndpointError, match="unencrypted"):
            Endpoint("http://models.example.com/v1", "x")
        assert Endpoint("http://192.168.0.7:8000/v1", "x").headers() == {"Authorization": "Bearer sk-secret"}

    @pytest.mark.parametrize("text", ["http://localhost/v1", "http://localhost/v1#", "gpt"])
    def test_how_an_endpoint_is_written(self, text: str) -> None:
        with pytest.raises(EndpointError, match="BASE_URL#MODEL"):
            parse_endpoint(text)


class TestCache:
    def test_record_asks_once_and_replay_never(self, keep: Keep, tmp_path: Path) -> None:
        path = tmp_path / "answers.sqlite"
        with FakeEndpoint(echo) as fake:
            endpoint = fake.endpoint()
            for _ in range(2):
                assert ask(keep(Client(endpoint, cache=keep(ResponseCache(path, "record"))))).text == "You said Hello?"
            assert len(fake.requests) == 1
        replayed = ask(keep(Client(endpoint, cache=keep(ResponseCache(path, "replay")))))
        assert (replayed.text, replayed.is_cached) == ("You said Hello?", True)
        with pytest.raises(EndpointError, match=r"holds no answer to this request of stage 'test'"):
            ask(keep(Client(endpoint, cache=keep(ResponseCache(path, "replay")))), sample=1)

    def test_live_keeps_nothing(self, keep: Keep, tmp_path: Path) -> None:
        with FakeEndpoint(echo) as fake:
            cache = keep(ResponseCache(tmp_path / "answers.sqlite", "live"))
            for _ in range(2):
                ask(keep(Client(fake.endpoint(), cache=cache)))
            assert (len(fake.requests), len(cache)) == (2, 0)

    def test_neither_key_nor_headers_are_stored(
        self, keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        path = tmp_path / "answers.sqlite"
        with FakeEndpoint(echo) as fake:
            client = keep(Client(fake.endpoint(), cache=keep(ResponseCache(path, "record"))))
            ask(client)
            client.close()
            assert fake.keys == ["Bearer sk-secret"]
        assert b"sk-secret" not in b"".join(file.read_bytes() for file in tmp_path.iterdir())

    def test_a_response_that_is_no_answer_is_not_stored(self, keep: Keep, tmp_path: Path) -> None:
        class Odd(FakeEndpoint):
            def deliver(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
                super().deliver(body, key)
                return 200, {}, b'{"choices": []}'

        with Odd(echo) as fake:
            cache = keep(ResponseCache(tmp_path / "answers.sqlite", "record"))
            with pytest.raises(EndpointError, match="no chat completion"):
                ask(keep(Client(fake.endpoint(), cache=cache)))
            assert len(cache) == 0

    def test_threads_and_a_second_connection_may_write_at_once(self, keep: Keep, tmp_path: Path) -> None:
        caches = [keep(ResponseCache(tmp_path / "answers.sqlite", "record")) for _ in range(2)]
        threads = [
            threading.Thread(target=cache.put, args=(f"{number}", {}, {"n": number}))
            for cache in caches
            for number in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(caches[0]) == 20
        assert caches[1].get("7") == {"n": 7}

    def test_a_file_that_is_no_cache(self, keep: Keep, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("hello " * 100)
        with pytest.raises(EndpointError, match="is no cache of responses"):
            keep(ResponseCache(tmp_path / "x", "record"))
        other = sqlite3.connect(tmp_path / "other")
        other.execute("CREATE TABLE responses (a INTEGER)")
        other.close()
        with pytest.raises(EndpointError, match="is no cache of responses"):
            keep(ResponseCache(tmp_path / "other", "record"))
        with pytest.raises(EndpointError, match="no recording"):
            keep(ResponseCache(tmp_path / "missing", "replay"))

    @given(st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3)), st.integers(0, 3))
    def test_keys_follow_from_the_content(self, body: dict[str, Any], sample: int) -> None:
        again = dict(reversed(body.items()))
        assert key_of("m", body, "1", sample) == key_of("m", again, "1", sample)
        assert key_of("m", body, "1", sample) != key_of("m", body, "1", sample + 1)
        assert key_of("m", body, "1", sample) != key_of("n", body, "1", sample)


class TestLedger:
    def test_money_by_hand(self) -> None:
        ledger = Ledger(Price(prompt=2.0, completion=8.0, cached_prompt=0.5))
        ledger.spend("a", {"prompt_tokens": 1000, "completion_tokens": 200, "cached_tokens": 400})
        ledger.spend("b", {"prompt_tokens": 500, "completion_tokens": 0, "cached_tokens": 0})
        assert ledger.tokens == 1700
        assert ledger.money == pytest.approx((600 * 2 + 400 * 0.5 + 200 * 8 + 500 * 2) / 1e6)
        assert ledger.paid.described(accepted=10)["tokens_per_accepted"] == 170.0

    def test_a_cap_in_tokens_stops_before_it_is_passed(self, keep: Keep) -> None:
        with FakeEndpoint(echo) as fake:
            client = keep(Client(fake.endpoint(), ledger=Ledger(max_tokens=400)))
            ask(client, max_tokens=64)
            ask(client, max_tokens=64)
            with pytest.raises(BudgetError, match=r"of 400 are spent"):
                ask(client, max_tokens=200)
            assert client.ledger.tokens <= 400
            assert len(fake.requests) == 2

    def test_a_cap_in_money_holds_for_requests_under_way(self) -> None:
        ledger = Ledger(Price(prompt=1.0, completion=1.0), max_money=100 / 1e6)
        first = ledger.reserve(50, 20)
        with pytest.raises(BudgetError, match="could cost"):
            ledger.reserve(50, 20)
        ledger.release(first)
        ledger.reserve(50, 20)

    def test_a_cap_in_money_needs_a_price(self) -> None:
        with pytest.raises(BudgetError, match="needs a price"):
            Ledger(max_money=1.0)

    def test_answers_from_the_cache_cost_nothing(self, keep: Keep, tmp_path: Path) -> None:
        with FakeEndpoint(echo) as fake:
            cache = keep(ResponseCache(tmp_path / "answers.sqlite", "record"))
            ask(keep(Client(fake.endpoint(), cache=cache)))
            again = keep(Client(fake.endpoint(), cache=cache))
            ask(again)
            assert again.ledger.tokens == 0
            assert again.ledger.paid.stages["test"]["from the cache"] == 1
