"""`tool-gym audit`: figures that can be checked by hand, faults that it must find, a page that needs nothing else."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tool_gym.cli import main
from tool_gym.envs.pack import MemoryPack, open_pack
from tool_gym.envs.pack_writer import write_pack
from tool_gym.errors import PackError
from tool_gym.evaluate.audit import texts
from tool_gym.evaluate.audit.measure import Audit, Bar, audit
from tool_gym.evaluate.audit.page import page
from tool_gym.evaluate.audit.structure import entropy, tool_figures
from tool_gym.generators.build import SeedPath, world_of
from tool_gym.generators.pipeline import generate
from tool_gym.generators.plan import PackPlan
from tool_gym.scenario import Scenario
from tool_gym.values import display

PLAN = PackPlan("tests", {"train": 32}, {"train": ("energy", "library")}, seed=2)


@pytest.fixture(scope="module")
def scenarios() -> list[Scenario]:
    return list(generate(PLAN, "train"))


def of(scenarios: list[Scenario], *, played: int = 0) -> Audit:
    worlds = {scenario.world_ref: world_of(SeedPath.parse(scenario.seed_path)) for scenario in scenarios}
    return audit(MemoryPack(scenarios, list(worlds.values()), name="mine", split="train"), played=played)


def bar(found: Audit, name: str) -> Bar:
    return next(bar for bar in found.bars if bar.name == name)


class TestTexts:
    def test_distinct_counts_different_pieces(self) -> None:
        assert texts.distinct(["a b c", "a b d"], 2) == 3 / 4
        assert texts.distinct(["a b c", "a b d"], 3) == 1.0
        assert texts.distinct([], 2) == 0.0

    def test_bleu_of_a_copy_is_one_and_of_a_stranger_next_to_nothing(self) -> None:
        one, other = (_grams(text) for text in ("the cat sat on the mat today", "dogs bark far away at night now"))
        assert texts.bleu(one, [other, one]) == pytest.approx(1.0)
        assert texts.bleu(one, [other]) < 0.15

    def test_bleu_by_hand(self) -> None:
        """3 of 4 words, 2 of 3 pairs, 1 of 2 triples, no four, which counts as half of one."""
        found = texts.bleu(_grams("a b c x"), [_grams("a b c d")])
        assert found == pytest.approx((3 / 4 * 2 / 3 * 1 / 2 * (1 / 2) / 1) ** (1 / 4))

    def test_a_shorter_text_pays_for_it(self) -> None:
        whole, short = _grams("a b c d e f g h"), _grams("a b c d")
        assert texts.bleu(short, [whole]) == pytest.approx(2.718281828 ** (1 - 8 / 4))

    def test_self_bleu_of_one_sentence_again_and_again_is_a_hundred(self) -> None:
        assert texts.self_bleu(["what is the fee of this account"] * 5) == pytest.approx(100.0)
        assert texts.self_bleu(["alone"]) == 0.0

    def test_near_duplicates_look_past_names_and_numbers(self) -> None:
        first = "Please tell me the fee of Amber Ridge as it was on 2024-03-01 at the very latest."
        again = "Please tell me the fee of Stone Grove as it was on 2025-11-30 at the very latest."
        other = "How many inspections were carried out by the engineer with the longest training?"
        assert texts.near_duplicates([(first, ["Amber Ridge"]), (again, ["Stone Grove"]), (other, [])]) == 1 / 3


def _grams(text: str) -> list[Counter[tuple[str, ...]]]:
    words = text.split()
    return [Counter(zip(*(words[i:] for i in range(n)), strict=False)) for n in (1, 2, 3, 4)]


class TestFindings:
    def test_a_sound_pack_has_no_fault(self, scenarios: list[Scenario]) -> None:
        found = of(scenarios)
        for name in ("scenarios without a certificate", "leaks", "shortcuts", "domains in several splits"):
            assert bar(found, name).value == 0
        assert found.scenarios == 32
        assert found.worlds == 2
        assert sum(found.structure.grid.values()) == 32
        assert set(found.structure.coverage) == {"energy", "library"}

    def test_a_leak_is_found(self, scenarios: list[Scenario]) -> None:
        good = next(s for s in scenarios if s.goals[0].kind == "answer" and s.goals[0].gold.kind in ("number", "name"))
        gold = display(good.goals[0].gold)  # type: ignore[union-attr]  # an answer, as chosen
        leaky = good.model_copy(update={"user_turns": (f"{good.user_turns[0]} I guess {gold}.",)})
        assert of([good]).answers.leaks == []
        assert of([leaky]).answers.leaks == [good.id]
        assert of([leaky]).answers.mentioned == 1

    def test_a_shortcut_and_a_missing_certificate_are_found(self, scenarios: list[Scenario]) -> None:
        deep = next(s for s in scenarios if s.depth >= 3)
        short = deep.model_copy(update={"certificate": {"G8": {"min_rounds": 1}}})
        bare = deep.model_copy(update={"certificate": {}})
        assert bar(of([short]), "shortcuts").value == 1
        assert bar(of([bare]), "scenarios without a certificate").value == 1

    def test_a_domain_in_two_splits_is_found(self, scenarios: list[Scenario], tmp_path: Path) -> None:
        worlds = {scenario.world_ref: world_of(SeedPath.parse(scenario.seed_path)) for scenario in scenarios}
        pairs = [("train" if number % 2 else "test", scenario) for number, scenario in enumerate(scenarios)]
        pairs.sort(key=lambda pair: pair[0], reverse=True)
        write_pack(tmp_path / "x", pairs, list(worlds.values()), id="x", version="1", licence="Apache-2.0")
        assert audit(open_pack(tmp_path / "x"), played=0).shared == {
            "train": ["energy", "library"],
            "test": ["energy", "library"],
        }

    def test_difficulty_is_played(self, scenarios: list[Scenario]) -> None:
        assert sum(band.scenarios for band in of(scenarios, played=12).bands) <= 12

    def test_an_empty_pack_is_refused(self) -> None:
        with pytest.raises(PackError, match="no scenario to audit"):
            audit(MemoryPack([]))

    def test_tools_are_counted_once_each(self, scenarios: list[Scenario]) -> None:
        figures = tool_figures({tool.name: tool for tool in scenarios[0].tools}.values())
        assert figures["parameters"].total() == len(scenarios[0].tools)

    def test_entropy_in_bits(self) -> None:
        assert entropy({"a": 5, "b": 5, "c": 0}) == 1.0


class _Page(HTMLParser):
    """Collects what a browser would fetch, and checks that tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


class TestPage:
    def test_the_page_is_whole_and_fetches_nothing(self, scenarios: list[Scenario]) -> None:
        hostile = scenarios[0].model_copy(update={"user_turns": ("<script>alert(1)</script>",)})
        written = page(of([hostile, *scenarios[1:]], played=8))
        parser = _Page()
        parser.feed(written)
        assert (parser.open, parser.fetched) == ([], [])
        assert "<script" not in written
        assert "url(" not in written
        assert "&lt;script&gt;" in written
        for heading in ("Shapes and depths", "Tools beside real ones", "Gates", "Samples"):
            assert heading in written


class TestCommand:
    def test_table_and_page(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], scenarios: list[Scenario]
    ) -> None:
        worlds = {scenario.world_ref: world_of(SeedPath.parse(scenario.seed_path)) for scenario in scenarios}
        pairs = [("train", scenario) for scenario in scenarios]
        write_pack(tmp_path / "x", pairs, list(worlds.values()), id="x", version="1", licence="Apache-2.0")
        asked = ["audit", str(tmp_path / "x"), "--played", "0"]
        assert main([*asked, "--out", str(tmp_path / "x.html")]) == 0
        told = capsys.readouterr().out
        assert "x: 32 scenarios (train 32), 2 domains, 2 worlds" in told
        assert (tmp_path / "x.html").read_text(encoding="utf-8").startswith("<!doctype html>")
        assert main([*asked, "--json"]) == 0
        described = json.loads(capsys.readouterr().out)
        assert described["scenarios"] == 32
        assert main([*asked, "--strict"]) == 0 + (not all(bar["met"] for bar in described["bars"]))

    def test_a_pack_that_is_none(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["audit", "everydax"]) == 2
        assert "everyday" in capsys.readouterr().err
