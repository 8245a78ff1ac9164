"""`tool-gym llm` against a server on the loopback interface: whole runs, killed runs, caps, replays."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.generators.llm.model import POLITE, Model
from tests.generators.llm.written import PROBED, a_domain
from tool_gym.cli import main
from tool_gym.envs.pack import FolderPack, read_card
from tool_gym.generators.llm.rebuilt import HOW, Source
from tool_gym.generators.pipeline import build_pack
from tool_gym.generators.plan import PackPlan
from tool_gym.llm.fake import FakeEndpoint

Tool = Callable[..., int]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "small"
    build_pack(PackPlan("small", {"train": 12}, {"train": ("hotels",)}), folder)
    return folder


@pytest.fixture
def fake(pack: Path) -> Iterator[FakeEndpoint]:
    with FakeEndpoint(Model(Source.open(pack))) as server:
        yield server


def options(fake: FakeEndpoint, out: Path, *more: object) -> list[str]:
    return ["--endpoint", f"{fake.base_url}#fake", "--out", str(out), *map(str, more)]


def whole(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


class TestWhole:
    def test_domain_then_generate(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with FakeEndpoint(a_domain) as fake:
            assert main(["llm", "domain", *options(fake, tmp_path / "domains"), "--price", "2,8", "--json"]) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)["domains"] == ["beekeeping"]
        assert json.loads(told.out)["how"]["money_per_accepted"] > 0
        assert "tokens if most answers are right at once" in told.err
        mine = ["--domain-files", str(tmp_path / "domains"), "--train", "12", "--workers", "1"]
        recipe = ["--recipe", str(tmp_path / "recipe.json")]
        assert main(["generate", "--out", str(tmp_path / "mine"), *mine, *recipe]) == 0
        card = read_card(tmp_path / "mine")
        assert card.counts["domain"] == {"beekeeping": 12}
        assert card.how_built["own"][0]["name"] == "beekeeping"
        again = [
            sys.executable,
            "-m",
            "tool_gym.generators.pinned",
            str(tmp_path / "recipe.json"),
            str(tmp_path / "again"),
        ]
        assert subprocess.run(again, check=False).returncode == 0
        assert read_card(tmp_path / "again").content_hash == card.content_hash
        assert main(["check", str(tmp_path / "mine")]) == 0

    def test_too_few_domains_is_a_failure(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with FakeEndpoint(lambda _: PROBED) as fake:
            assert main(["llm", "domain", *options(fake, tmp_path)]) == 1
        assert "3 quarantined" in capsys.readouterr().out
        assert len((tmp_path / "quarantine.jsonl").read_text().splitlines()) == 3

    def test_paraphrase_then_documents(
        self, pack: Path, fake: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["llm", "paraphrase", str(pack), *options(fake, tmp_path / "said", "--cheap")]) == 0
        out = capsys.readouterr().out
        assert "12 accepted (fake, json_schema)" in out
        assert "back-translation" in out
        fake.answer = Model(Source.open(tmp_path / "said"))
        assert main(["llm", "documents", str(tmp_path / "said"), *options(fake, tmp_path / "told")]) == 0
        assert [how["stage"] for how in read_card(tmp_path / "told").how_built[HOW]] == ["paraphrases", "documents"]
        found = FolderPack(tmp_path / "told")
        assert all(found.task(entry.id).scenario.user_turns[0].startswith(POLITE) for entry in found.entries())
        assert main(["check", str(tmp_path / "told")]) == 0
        assert sorted(path.name for path in tmp_path.iterdir()) == ["said", "told"]

    def test_what_was_set_aside_lies_beside_the_pack(self, pack: Path, tmp_path: Path) -> None:
        with FakeEndpoint(lambda _: PROBED) as fake:
            assert main(["llm", "paraphrase", str(pack), *options(fake, tmp_path / "said")]) == 0
        lines = (tmp_path / "said.quarantine.jsonl").read_text().splitlines()
        assert {json.loads(line)["status"] for line in lines} == {"quarantined"}
        assert len(lines) == 12
        assert read_card(tmp_path / "said").content_hash == read_card(pack).content_hash


class TestAgain:
    def test_a_recorded_run_is_replayed_byte_for_byte(self, pack: Path, tmp_path: Path) -> None:
        cache = ["--cache", tmp_path / "answers.db"]
        with FakeEndpoint(Model(Source.open(pack)), ["valid", "500", "wrong", "valid"]) as fake:
            given = options(fake, tmp_path / "said", *cache)
            assert main(["llm", "paraphrase", str(pack), *given]) == 0
        first = whole(tmp_path / "said")
        assert main(["llm", "paraphrase", str(pack), *given, "--mode", "replay", "--overwrite"]) == 0
        assert whole(tmp_path / "said") == first

    def test_a_run_killed_again_and_again_comes_to_the_same_pack(
        self, pack: Path, fake: FakeEndpoint, tmp_path: Path
    ) -> None:
        given = ["llm", "paraphrase", str(pack), "--concurrency", "2"]
        assert main([*given, *options(fake, tmp_path / "a" / "said")]) == 2, "the folder is missing"
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        assert main([*given, *options(fake, tmp_path / "a" / "said")]) == 0
        asked = len(fake.requests)
        command = [sys.executable, "-m", "tool_gym.cli", *given, *options(fake, tmp_path / "b" / "said")]
        for number, how in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)):
            killed_after(command, fake, len(fake.requests) + 8, how, {signal.SIGKILL: -9, signal.SIGTERM: 130}[how])
            assert not (tmp_path / "b" / "said").exists(), f"kill {number}"
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0
        assert whole(tmp_path / "b" / "said") == whole(tmp_path / "a" / "said")
        assert len(fake.requests) - asked < 2 * asked
        assert sorted(path.name for path in (tmp_path / "b").iterdir()) == ["said"]


def killed_after(command: list[str], fake: FakeEndpoint, requests: int, how: signal.Signals, status: int) -> None:
    """Run a command and send it a signal once the server has had so many requests."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while len(fake.requests) < requests and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(how)
        assert process.wait(60) == status


class TestBounds:
    def test_a_cap_stops_in_time_and_a_higher_one_goes_on(
        self, pack: Path, fake: FakeEndpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        given = ["llm", "paraphrase", str(pack), *options(fake, tmp_path / "said", "--concurrency", 1)]
        assert main([*given, "--max-tokens", "9000"]) == 2
        told = capsys.readouterr().err
        assert "the cap of 9,000 tokens may stop the run early" in told
        assert "of 9000 are spent" in told
        asked = len(fake.requests)
        assert 0 < asked * 100 < 9000
        assert not (tmp_path / "said").exists()
        assert main([*given, "--max-tokens", "3000000", "--json"]) == 0
        paid = json.loads(capsys.readouterr().out)["paid"]
        assert sum(stage["requests"] for stage in paid["stages"].values()) == len(fake.requests)

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            (["--max-money", "1"], "a cap in money needs a price"),
            (["--price", "cheap"], "--price is two or three numbers"),
            (["--mode", "replay"], "--mode replay needs a file of answers"),
            (["--mode", "replay", "--cache", "nowhere.db"], "there is no recording nowhere.db"),
            (["--endpoint", "localhost"], "an endpoint is written BASE_URL#MODEL"),
        ],
        ids=["cap without price", "no price", "no cache", "no recording", "no endpoint"],
    )
    def test_mistakes_are_told_in_a_line(
        self, pack: Path, tmp_path: Path, more: list[str], message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        given = ["--endpoint", "http://127.0.0.1:9/v1#x", "--out", str(tmp_path / "said"), *more]
        assert main(["llm", "paraphrase", str(pack), *given]) == 2
        assert f"error: {message}" in capsys.readouterr().err

    def test_a_pack_that_was_not_generated_cannot_be_rewritten(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["llm", "documents", str(tmp_path), "--endpoint", "http://127.0.0.1:9/v1#x", "--out", "x"]) == 2
        assert "error: " in capsys.readouterr().err

    def test_other_tools_do_not_need_the_client(self) -> None:
        program = "import sys, tool_gym.cli, tool_gym.generators.pipeline; sys.exit('httpx' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_the_key_is_never_written(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    requests: list[Any] = []
    with FakeEndpoint(Model(Source.open(pack))) as fake:
        assert (
            main(["llm", "paraphrase", str(pack), *options(fake, tmp_path / "said", "--cache", tmp_path / "a.db")]) == 0
        )
        requests += fake.keys
    assert set(requests) == {"Bearer sk-very-secret"}
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"sk-very-secret" not in written
