"""`tool-gym analyze` on tiny models of our own and the models it loads (needs the train extra)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.agents.analysis.models import adapted, stirred
from tests.handmade import SCENARIOS, WORLD
from tool_gym.agents.analysis import running
from tool_gym.agents.analysis.adapter import open_weights
from tool_gym.agents.analysis.causal import Resampling, rows, shares, sweep
from tool_gym.agents.analysis.pairing import match
from tool_gym.agents.analysis.playing import Suite
from tool_gym.agents.analysis.running import Asked, Machine, measure
from tool_gym.agents.analysis.selection import by_layers, by_modules
from tool_gym.agents.models import Size, create, load_model
from tool_gym.cli import main
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.pack_writer import write_pack
from tool_gym.summary import Summary

pytestmark = pytest.mark.train

TINY = Size(layers=2, hidden=32, intermediate=48, heads=4, kv_heads=2)
CPU = Machine(device="cpu")


class Models(NamedTuple):
    base: str
    tuned: str
    pack: str


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    """A tiny model, the same with noise on its weights, and a pack."""
    folder = tmp_path_factory.mktemp("models")
    texts = [text for scenario in SCENARIOS.values() for text in scenario.user_turns]
    base = create(folder / "base", texts, size=TINY, vocab_size=400)
    model, tokenizer = load_model(base, device="cpu")
    stirred(model).save_pretrained(folder / "tuned")
    tokenizer.save_pretrained(folder / "tuned")
    write_pack(
        folder / "pack",
        [("test", scenario) for scenario in SCENARIOS.values()],
        [WORLD],
        id="harbour",
        version="1.0.0",
        title="Harbour",
        description="Written by hand.",
        licence="Apache-2.0",
    )
    return Models(str(base), str(folder / "tuned"), str(folder / "pack"))


def mean_of_weights(_: Suite, model: Any, __: Any) -> dict[str, list[Summary]]:
    """Stand in for playing: a figure that is linear in the weights, so that shares are known."""
    value = sum(float(weight.detach().double().sum()) for weight in model.parameters())
    return {"greedy": [Summary("", 1, value, value, value, value, value, 0.0)] * 4}


@pytest.mark.parametrize("over", ["layers", "modules"])
def test_shares_of_what_adds_up_add_up(models: Models, over: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "play", mean_of_weights)
    base = open_weights(models.base)
    matched = match(base, open_weights(models.tuned, base))
    selections = by_layers(matched.places, 1) if over == "layers" else by_modules(matched.places)
    counted: list[int] = []
    asked = Asked(Suite(MemoryPack([]), ()), machine=CPU)
    found = measure(matched, sweep(selections), asked, done=counted.append)
    assert counted == list(range(1, 2 * len(selections) + 3))
    parts = shares(found.played, selections, "mean_return", "greedy", Resampling(100, 0))
    assert sum(one.sufficient.value or 0.0 for one in parts) == pytest.approx(1.0, abs=1e-4)
    for one in parts:
        assert one.sufficient.value == pytest.approx(one.necessary.value, abs=1e-4)
    assert all(row.model != "tuned" or row.gains["mean_return"].is_clear for row in rows(found.played, Resampling()))


def test_the_base_is_asked_once_for_all_seeds(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "play", mean_of_weights)
    base = open_weights(models.base)
    matched = match(base, open_weights(models.tuned, base))
    asked = Asked(Suite(MemoryPack([]), ()), machine=CPU)
    first = measure(matched, [], asked)
    numbers: list[int] = []
    calls = []

    def counted(*of: Any) -> dict[str, list[Summary]]:
        calls.append(of)
        return mean_of_weights(*of)

    monkeypatch.setattr(running, "play", counted)
    assert measure(matched, [], asked, base=first, done=numbers.append) == first
    assert len(calls) == 1
    assert numbers == [2]


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # PEFT asks by the old name
def test_an_adapter_is_played_merged(models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "play", mean_of_weights)
    adapter, merged = adapted(load_model(models.base, device="cpu")[0], tmp_path / "adapter", target_modules=["q_proj"])
    base = open_weights(models.base)
    found = measure(match(base, open_weights(adapter, base)), [], Asked(Suite(MemoryPack([]), ()), machine=CPU))
    alone, whole = (found.played[name]["greedy"][0].mean_return for name in ("base", "tuned"))
    assert whole == pytest.approx(mean_of_weights(Suite(MemoryPack([]), ()), merged, None)["greedy"][0].mean_return)
    assert whole != pytest.approx(alone)


def cached(model: str, hub: Path) -> dict[str, str]:
    """Copy a model to where the Hugging Face cache has `org/model`, and return the environment to find it in."""
    home = hub / "models--org--model"
    shutil.copytree(model, home / "snapshots" / ("0" * 40))
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0" * 40)
    return {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1"}


def test_the_program_measures_scores_guards_and_draws(models: Models, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("Which ship lies at the longest berth?\n" * 3)
    chosen = "layers=0,modules=mlp"
    command = [sys.executable, "-m", "tool_gym.cli", "analyze", "org/model", models.tuned, models.tuned]
    command += ["--suite", models.pack, "--episodes", "4", "--max-turns", "2", "--max-turn-tokens", "8", "--json"]
    command += [
        "--transplant",
        chosen,
        "--revert",
        chosen,
        "--sweep",
        "layers",
        "--group",
        "2",
        "--text",
        str(text),
        "--device",
        "cpu",
    ]
    command += ["--out", str(tmp_path / "out"), "--resamples", "100", "--decode", "sampled"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"} | cached(models.base, tmp_path / "hub")
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["tuned"] == [models.tuned, models.tuned]
    assert {row["layer"] for row in found["changes"]} == {0, 1, None}
    assert all(row["relative"]["deviation"] == 0 for row in found["changes"])  # one model twice
    scored = {(row["model"], row["decoding"]) for row in found["scores"]}
    swept = ("base + layers=0-1", "tuned − layers=0-1", "base + layers=outside", "tuned − layers=outside")
    asked = ("base", "tuned", f"base + {chosen}", f"tuned − {chosen}", *swept)
    assert scored == {(model, "sampled") for model in asked}
    assert len(found["scores"]) == 2 * len(asked)
    assert [next(iter(of["runs"].values()))[0]["weights"] for of in found["sweeps"]] == ["layers=0-1"]
    before, after = (found["capability"][0][model]["perplexity"] for model in ("base", "tuned"))
    assert before["tokens"] == after["tokens"] > 10
    assert before["perplexity"] != after["perplexity"]
    written = {path.name: path.stat().st_size for path in (tmp_path / "out").iterdir()}
    pictures = [
        f"{name}.{kind}" for name in ("changes", "changes-spread", "sweep-layers-sampled") for kind in ("png", "svg")
    ]
    assert all(written[name] > 1000 for name in ("analysis.json", "changes.csv", *pictures))
    assert json.loads((tmp_path / "out" / "analysis.json").read_text()) == found


def test_the_table_is_printed_and_a_hybrid_kept(
    models: Models, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = str(tmp_path / "kept")
    arguments = [models.base, models.tuned, "--transplant", "modules=q", "--save", kept]
    assert main(["analyze", *arguments]) == 0
    printed = capsys.readouterr()
    assert "relative change in %, layer by layer" in printed.out
    assert "everything" in printed.out
    assert f"the model is in {kept}" in printed.err
    assert main(["analyze", models.base, kept, "--json"]) == 0
    moved = {row["module"] for row in json.loads(capsys.readouterr().out)["changes"] if row["changed"]["mean"]}
    assert moved == {"q"}
    load_model(kept, device="cpu")


MISTAKES = {
    "no model": (["nowhere/at/all", "TUNED"], "there is no folder nowhere/at/all"),
    "no suite": (["BASE", "TUNED", "--sweep", "layers"], "say --suite PACK"),
    "unreadable selection": (["BASE", "TUNED", "--suite", "PACK", "--revert", "mlp"], "layers=0-2,modules=mlp"),
    "no such layer": (["BASE", "TUNED", "--suite", "PACK", "--revert", "layers=9"], "the layers 0 to 1"),
    "no such decoding": (["BASE", "TUNED", "--suite", "PACK", "--decode", "beam"], "no decoding named 'beam'"),
    "no text": (["BASE", "TUNED", "--text", "missing.txt"], "cannot read missing.txt"),
    "out is a file": (["BASE", "TUNED", "--out", "BASE/config.json"], "it is no folder"),
}


@pytest.mark.parametrize("name", MISTAKES, ids=MISTAKES)
def test_mistakes_are_told_in_one_line(models: Models, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, says = MISTAKES[name]
    known = {"BASE": models.base, "TUNED": models.tuned, "PACK": models.pack}
    known["BASE/config.json"] = f"{models.base}/config.json"
    assert main(["analyze", *(known.get(one, one) for one in arguments)]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
