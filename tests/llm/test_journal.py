"""What a run has finished survives a kill at any moment."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.llm.keeping import Keep
from tool_gym.errors import BudgetError, EndpointError
from tool_gym.llm import work
from tool_gym.llm.client import Client
from tool_gym.llm.fake import FakeEndpoint
from tool_gym.llm.journal import Done, Journal, Lines
from tool_gym.llm.ledger import Ledger, Price


class TestJournal:
    def test_what_is_noted_is_there_the_next_time(self, tmp_path: Path) -> None:
        done = Done("accepted", {"a": ["é", 1]}, {"t": {"requests": 2}})
        with Journal(tmp_path / "j.jsonl") as journal:
            journal.put("x", done)
            journal.put("x", Done("refused"))
        with Journal(tmp_path / "j.jsonl") as journal:
            assert journal.get("x") == done
            assert journal.get("y") is None
        assert len((tmp_path / "j.jsonl").read_bytes().splitlines()) == 1

    @given(st.data())
    def test_a_cut_at_any_byte_loses_only_what_was_not_whole(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        path = tmp_path_factory.mktemp("cut") / "j.jsonl"
        with Journal(path) as journal:
            for number in range(4):
                journal.put(f"k{number}", Done("accepted", {"n": number}))
        whole = path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        path.write_bytes(whole[:cut])
        with Journal(path) as journal:
            there = [number for number in range(4) if journal.get(f"k{number}") is not None]
            assert there == list(range(whole[:cut].count(b"\n")))
            for number in range(4):
                journal.put(f"k{number}", Done("accepted", {"n": number}))
        assert path.read_bytes() == whole

    def test_lines_of_another_kind_are_passed_over(self, tmp_path: Path) -> None:
        path = tmp_path / "j.jsonl"
        path.write_bytes(b'not json\n[1]\n{"a": 1}\n\xff\xfe\n')
        with Journal(path) as journal:
            journal.put("x", Done("accepted", 1))
        with Journal(path) as journal:
            assert journal.get("x") == Done("accepted", 1)

    def test_only_one_writes_at_a_time(self, tmp_path: Path) -> None:
        with Lines(tmp_path / "j.jsonl"), pytest.raises(EndpointError, match="another run is writing"):
            Lines(tmp_path / "j.jsonl")


class TestCapsOverRuns:
    def test_what_an_interrupted_run_paid_counts(self, tmp_path: Path, keep: Keep) -> None:
        with FakeEndpoint(lambda _: "hello") as fake:
            for _ in range(2):
                with Lines(tmp_path / "paid.jsonl") as log:
                    client = keep(Client(fake.endpoint(), ledger=Ledger(Price(1, 1), log=log)))
                    client.complete([{"role": "user", "content": "hi"}], stage="t", max_tokens=10)
            assert client.ledger.paid.stages["t"]["requests"] == 2
            with Lines(tmp_path / "paid.jsonl") as log:
                capped = keep(Client(fake.endpoint(), ledger=Ledger(max_tokens=client.ledger.tokens, log=log)))
                with pytest.raises(BudgetError, match="are spent"):
                    capped.complete([{"role": "user", "content": "hi"}], stage="t", max_tokens=10)


def asking(number: int) -> work.Work:
    def piece(client: Client) -> Done:
        said = client.complete([{"role": "user", "content": str(number)}], stage="t", max_tokens=10)
        return Done("accepted", said.text)

    return piece


class TestWork:
    def test_results_come_in_order_and_are_counted_apart(self, tmp_path: Path, keep: Keep) -> None:
        with FakeEndpoint(lambda body: body["messages"][0]["content"] * 2) as fake:
            client, journal = keep(Client(fake.endpoint())), keep(Journal(tmp_path / "j.jsonl"))
            counts: list[int] = []
            done = work.do(
                {f"k{n}": asking(n) for n in range(12)}, client, journal, concurrency=4, progress=counts.append
            )
            assert [one.value for one in done] == [str(n) * 2 for n in range(12)]
            assert all(one.tally["t"]["requests"] == 1 for one in done)
            assert counts == list(range(13))
            assert client.tally.tokens == 0

    def test_what_is_done_is_not_done_again(self, tmp_path: Path, keep: Keep) -> None:
        with FakeEndpoint(lambda _: "x") as fake:
            client, journal = keep(Client(fake.endpoint())), keep(Journal(tmp_path / "j.jsonl"))
            work.do({f"k{n}": asking(n) for n in range(3)}, client, journal)
            work.do({f"k{n}": asking(n) for n in range(5)}, client, journal)
            assert len(fake.requests) == 5

    def test_a_failure_lets_the_others_finish_and_be_noted(self, tmp_path: Path, keep: Keep) -> None:
        def failing(_: Client) -> Done:
            msg = "down"
            raise EndpointError(msg)

        with FakeEndpoint(lambda _: "x") as fake:
            client, journal = keep(Client(fake.endpoint())), keep(Journal(tmp_path / "j.jsonl"))
            pieces = {"a": asking(0), "b": failing, **{f"k{n}": asking(n) for n in range(40)}}
            with pytest.raises(EndpointError, match="down"):
                work.do(pieces, client, journal, concurrency=2)
            assert journal.get("a") is not None
            assert journal.get("k39") is None

    def test_a_signal_finishes_what_is_under_way(self, tmp_path: Path, keep: Keep) -> None:
        started = threading.Event()

        def answer(_: object) -> str:
            if not started.is_set():
                started.set()
                os.kill(os.getpid(), signal.SIGTERM)
            return "x"

        with FakeEndpoint(answer) as fake:
            client, journal = keep(Client(fake.endpoint())), keep(Journal(tmp_path / "j.jsonl"))
            pieces = {f"k{n}": asking(n) for n in range(200)}
            before = signal.getsignal(signal.SIGTERM)
            with pytest.raises(KeyboardInterrupt):
                work.do(pieces, client, journal, concurrency=2)
            assert signal.getsignal(signal.SIGTERM) is before
            noted = sum(journal.get(key) is not None for key in pieces)
            assert noted == len(fake.requests) < 200
            assert len(work.do(pieces, client, journal, concurrency=2)) == 200
            assert len(fake.requests) == 200
