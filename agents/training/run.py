"""A whole run: for each seed its stages and evaluations, then tables and curves."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_gym.agents.training.config import TrainConfig
from tool_gym.agents.training.evaluation import BASE, Evaluator, read_evaluations
from tool_gym.agents.training.folder import SeedFolder, check_seeds, claim, read_json, write_json
from tool_gym.agents.training.processes import Processes, check_installed
from tool_gym.agents.training.report import over_seeds, seed_results, table_of
from tool_gym.agents.training.suite import Suite, check_pack, ensure_pack, open_suite
from tool_gym.envs.env import ToolUseEnv
from tool_gym.files import write_whole

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.training.stages import Setting

RESULTS = "results.json"


def train(config: TrainConfig) -> dict[str, Any]:
    """Go through a run, or on with one that was interrupted, and return its results.

    Args:
        config: Everything the run follows from; `run.out` is taken, or gone on with.

    Returns:
        What is in the output folder's results.json: rows of figures over the seeds, and their differences.

    Raises:
        AgentError: If something that was asked for cannot be done; what can be known before training is told then.
    """
    check_installed()
    _quiet()
    processes = Processes(config.run.device)
    out = Path(config.run.out)
    _prepare(config, out, processes)
    for seed in config.run.seeds:
        _train_seed(config, seed, out, processes)
    if processes.is_main:
        _summarise(config, out)
    processes.wait()
    results: dict[str, Any] = read_json(out / RESULTS)
    return results


def _prepare(config: TrainConfig, out: Path, processes: Processes) -> None:
    """Check what can be checked without training, and generate the pack."""
    import torch

    from tool_gym.agents.training.arguments import check_trl, is_mixed

    check_trl(config, processes)
    is_mixed(config, processes)
    if config.run.threads:
        torch.set_num_threads(config.run.threads)
    if processes.is_main:
        claim(out)
        check_seeds(out, config)
        check_pack(config.env, out)
        ensure_pack(config.env, out, config.run.workers)
    processes.wait()


def _train_seed(config: TrainConfig, seed: int, out: Path, processes: Processes) -> None:
    from tool_gym.agents.training.policy import ensure_base
    from tool_gym.agents.training.stages import run_stage

    folder = SeedFolder(out / f"seed-{seed}")
    suite = open_suite(config, out)
    own = config.model_copy(update={"run": config.run.model_copy(update={"seeds": (seed,)})})
    if processes.is_main:
        folder.path.mkdir(exist_ok=True)
        resumed = folder.open(own, suite.content)
        _tell(f"{folder.path}: {'going on' if resumed else 'beginning'}")
        ensure_base(own, seed, suite, folder.base)
    processes.wait()
    start: Path | str = own.model.path or folder.base
    setting = _setting(own, seed, suite, folder, start, processes)
    _evaluate(setting, start, BASE)
    for name, stage in own.stage_names:
        at = folder.stage(name)
        if not at.is_done:
            run_stage(setting, name, stage, start, at)
        _evaluate(setting, at.final, name, step=at.facts()["steps"])
        start = at.final
    if processes.is_main:
        _write_results(own, folder)
    processes.wait()


def _setting(  # noqa: PLR0913, PLR0917 - what the run of a seed is made of
    config: TrainConfig, seed: int, suite: Suite, folder: SeedFolder, start: Path | str, processes: Processes
) -> Setting:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.models import load_tokenizer
    from tool_gym.agents.training.arguments import is_mixed
    from tool_gym.agents.training.playing import Player
    from tool_gym.agents.training.policy import stop_tokens
    from tool_gym.agents.training.stages import Setting

    tokenizer = load_tokenizer(start, trust_remote_code=config.model.trust_remote_code)
    prompt = None if config.env.prompt == "auto" else config.env.prompt
    encoder = Encoder(tokenizer, config.env.dialect, prompt=prompt, stop_ids=stop_tokens(start))
    if config.env.max_prompt_tokens is not None:
        suite = open_suite(config, folder.path.parent, _prompt_tokens(suite, encoder))

    def player(rows: int) -> Player:
        return Player(
            suite.pack,
            encoder,
            config.env,
            rows=rows,
            pad_id=tokenizer.pad_token_id,
            processes=processes,
            mixed=is_mixed(config, processes),
        )

    evaluator = Evaluator(player(config.evaluation.rows), suite, config.evaluation, folder.evaluations, processes)
    return Setting(config, seed, suite, encoder, player(config.run.sample_rows), evaluator, processes)


def _prompt_tokens(suite: Suite, encoder: Encoder) -> Any:
    env = ToolUseEnv(suite.pack, dialect=encoder.dialect)

    def count(scenario: str) -> int:
        _, info = env.reset(seed=0, options={"scenario": scenario})
        return len(encoder.prompt(list(info["messages"]), info["tools"]))

    return count


def _evaluate(setting: Setting, model: Path | str, name: str, *, step: int = 0) -> None:
    """Evaluate a model that was written, unless that was done before."""
    from tool_gym.agents.training.policy import load_policy

    if setting.evaluator.has(name):
        return
    loaded, _ = load_policy(model, setting.config, setting.processes)
    loaded.to(setting.processes.device)
    setting.evaluator.evaluate(loaded, name, stage=name, step=step, keep=True)


def _write_results(config: TrainConfig, folder: SeedFolder) -> None:
    from tool_gym.agents.training.curves import draw

    stages = [name for name, _ in config.stage_names]
    evaluations = read_evaluations(folder.evaluations, stages)
    found = seed_results(evaluations, stages, config)
    write_json(folder.path / RESULTS, found)
    write_whole(folder.path / "table.md", table_of(found))
    draw([evaluations], stages, folder.path / "curve")


def _summarise(config: TrainConfig, out: Path) -> None:
    """Put together all seeds in the folder that are finished: `check_seeds` saw to it that they belong together."""
    from tool_gym.agents.training.curves import draw

    stages = [name for name, _ in config.stage_names]
    finished = sorted(out.glob(f"seed-*/{RESULTS}"), key=lambda path: int(path.parent.name.rpartition("-")[2]))
    of_seed: Mapping[int, Any] = {int(path.parent.name.rpartition("-")[2]): read_json(path) for path in finished}
    found = over_seeds(of_seed, stages, config)
    write_json(out / RESULTS, found)
    write_whole(out / "table.md", table_of(found))
    draw([read_evaluations(path.parent / "evaluations", stages) for path in finished], stages, out / "curve")


def _quiet() -> None:
    """Keep libraries from announcing what is no news here."""
    import datasets
    import transformers

    os.environ.setdefault("TRL_EXPERIMENTAL_SILENCE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    # TRL sets the old name of a setting that transformers renamed.
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing.* is deprecated", category=FutureWarning)


def _tell(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()
