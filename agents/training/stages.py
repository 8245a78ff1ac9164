"""The stages: supervised, preferences, reinforcement; each begins with one model and leaves another."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_gym.agents.curriculum import Schedule, make_schedule
from tool_gym.agents.introspection import Introspection, IntrospectiveSchedule
from tool_gym.agents.prefixes import Prefixes, oracle_episodes
from tool_gym.agents.training.arguments import Call, is_mixed, trl_config
from tool_gym.agents.training.callbacks import Evaluating, Progress, Sealing
from tool_gym.agents.training.config import Stage, TrainConfig
from tool_gym.agents.training.evaluation import Evaluator
from tool_gym.agents.training.folder import StageFolder, write_json
from tool_gym.agents.training.playing import Player
from tool_gym.agents.training.policy import load_policy, save_policy, trainable
from tool_gym.agents.training.processes import Processes
from tool_gym.agents.training.rows import (
    Pair,
    Row,
    demonstrations,
    preferences,
    read_pairs,
    read_rows,
    successes,
    write_rows,
)
from tool_gym.agents.training.suite import Suite
from tool_gym.agents.union import Selection
from tool_gym.envs.pack import Pack
from tool_gym.envs.rollout import episode_seed, spread
from tool_gym.errors import AgentError
from tool_gym.generators.seeding import stream
from tool_gym.trajectory import read_trajectories, write_trajectories

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.rollouts import Rollout


@dataclass(frozen=True)
class Setting:
    """What all stages of a seed share."""

    config: TrainConfig
    seed: int
    suite: Suite
    encoder: Encoder
    player: Player
    evaluator: Evaluator
    processes: Processes

    def derived(self, *path: str | int) -> int:
        """Return a seed for a part of the run, below 2**31."""
        return stream(self.seed, *path).getrandbits(31)


def run_stage(setting: Setting, name: str, stage: Stage, start: Path | str, folder: StageFolder) -> None:
    """Go through a stage, or on with it.

    Args:
        setting: What all stages share.
        name: Name of the stage's folder.
        stage: Which one.
        start: The model it begins with.
        folder: Where it leaves its own.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    {"sft": _sft, "grpo": _grpo, "dpo": _dpo}[stage](setting, name, start, folder)


def _sft(setting: Setting, name: str, start: Path | str, folder: StageFolder) -> None:
    section = setting.config.sft
    parts: list[tuple[str, int]] = [("oracle", section.steps)] if "oracle" in section.sources else []
    if "policy" in section.sources:
        parts += [(f"round-{number}", section.round_steps) for number in range(1, section.rounds + 1)]
    offset = 0
    for number, (part, steps) in enumerate(parts, 1):
        target = folder if number == len(parts) else StageFolder(folder.path / part)
        if not target.is_done:
            rows = _sft_rows(setting, name, part, start, folder.path)
            _train_sft(setting, _Part(name, part, start, target, steps, offset), rows)
        start, offset = target.final, offset + steps


@dataclass(frozen=True)
class _Part:
    """One training call of a stage."""

    stage: str
    part: str
    start: Path | str
    folder: StageFolder
    steps: int
    offset: int


def _sft_rows(setting: Setting, name: str, part: str, start: Path | str, folder: Path) -> list[Row]:
    section, longest = setting.config.sft, setting.config.sft.max_length
    if part == "oracle":
        found = demonstrations(
            setting.suite.pack,
            spread(setting.suite.train, section.demonstrations),
            setting.encoder,
            setting.config.env,
            setting.derived(name, part),
        )
    else:
        file = folder / f"{part}.jsonl"
        if not file.is_file():
            wish = _Wish(section.round_scenarios, section.samples, section.temperature)
            groups = _sampled(setting, (name, part), start, wish, folder / f"{part}-episodes.jsonl")
            kept = successes(groups, threshold=section.threshold, keep=section.keep)
            _write(setting, file, kept)
        found = read_rows(file)
    fitting = [row for row in found if longest is None or len(row.ids) <= longest]
    if not fitting:
        why = "none was at or above sft.threshold" if part != "oracle" else "sft.max_length leaves none"
        msg = f"the stage {name} has nothing to learn from in its part {part}: {why}"
        raise AgentError(msg)
    return fitting


def _train_sft(setting: Setting, part: _Part, rows: Sequence[Row]) -> None:
    from datasets import Dataset
    from trl import SFTTrainer

    def make(model: Any, tokenizer: Any, arguments: Any) -> Any:
        table = Dataset.from_dict({"input_ids": [row.ids for row in rows], "labels": [row.labels for row in rows]})
        return SFTTrainer(model=model, args=arguments, processing_class=tokenizer, train_dataset=table)

    _train(setting, "sft", part, make, {"rows": len(rows)})


def _dpo(setting: Setting, name: str, start: Path | str, folder: StageFolder) -> None:
    from tool_gym.agents.training.preferences import EpisodeDPOTrainer, PairCollator, dataset_of

    section = setting.config.dpo
    file = folder.path / "pairs.jsonl"
    if not file.is_file():
        wish = _Wish(section.scenarios, section.samples, section.temperature)
        groups = _sampled(setting, (name, "pairs"), start, wish, folder.path / "episodes.jsonl")
        pairs = preferences(groups, chosen=section.chosen, margin=section.margin, pairs=section.pairs)
        _write(setting, file, pairs)
    found = read_pairs(file)
    if not found:
        msg = (
            f"the stage {name} found no pair: on no scenario did one episode earn dpo.chosen ({section.chosen}) or "
            f"more and another dpo.margin ({section.margin}) less; train longer before it, or lower them"
        )
        raise AgentError(msg)

    def make(model: Any, tokenizer: Any, arguments: Any) -> Any:
        # With LoRA the reference is the model without its adapter.
        reference = None if setting.config.peft.r else load_policy(start, setting.config, setting.processes)[0]
        return EpisodeDPOTrainer(
            model=model,
            ref_model=reference,
            args=arguments,
            processing_class=tokenizer,
            train_dataset=dataset_of(found),
            data_collator=PairCollator(tokenizer.pad_token_id),
        )

    _train(setting, "dpo", _Part(name, "dpo", start, folder, section.steps, 0), make, {"pairs": len(found)})


def _grpo(setting: Setting, name: str, start: Path | str, folder: StageFolder) -> None:
    from tool_gym.agents.critic import CriticConfig
    from tool_gym.agents.grpo import StepGRPOTrainer

    config, section = setting.config, setting.config.grpo
    prefixes = None
    if section.rollout == "stored_prefix":
        prefixes = _prefixes(setting, name, start, folder.path / "prefixes.jsonl")
    pack, schedule = _schedule(setting, name, folder.path / "introspection", prefixes)
    rows = min(config.run.sample_rows, section.whole_batch // setting.processes.count)

    def make(model: Any, tokenizer: Any, arguments: Any) -> Any:
        return StepGRPOTrainer(
            model,
            arguments,
            processing_class=tokenizer,
            collector=setting.player.collector(rows, pack, prefixes),
            schedule=schedule,
            credit=section.credit,
            critic=CriticConfig(**section.critic) if section.critic else None,
            mask_overlong=section.mask_overlong,
            decode_batch=config.run.sample_rows,
        )

    _train(setting, "grpo", _Part(name, "grpo", start, folder, section.steps, 0), make, {})


def _prefixes(setting: Setting, name: str, start: Path | str, record: Path) -> Prefixes:
    """Return the episodes whose beginnings are trained on, played now unless they were before."""
    section = setting.config.grpo
    wish = section.prefixes
    if not record.is_file():
        count = wish.scenarios or section.groups * math.ceil(section.steps / section.iterations)
        if wish.source == "policy":
            sampling = _Wish(count, wish.samples, wish.temperature)
            deque(_sampled(setting, (name, "prefixes"), start, sampling, record), maxlen=0)
        elif setting.processes.is_main:
            chosen = _drawn(setting, (name, "prefixes"), count)
            write_trajectories(record, oracle_episodes(setting.suite.pack, chosen, setting.encoder.dialect))
    setting.processes.wait()
    return Prefixes(read_trajectories(record))


def _schedule(setting: Setting, name: str, rounds: Path, prefixes: Prefixes | None) -> tuple[Pack, Schedule]:
    """Return what chooses scenarios, and the pack they are in."""
    section, pack = setting.config.grpo, setting.suite.training
    if prefixes is not None:
        pack = Selection(pack, prefixes.scenarios)
    seed = setting.derived(name, "schedule")

    def make(known: Pack) -> Schedule:
        return make_schedule(known, section.schedule, split=setting.config.env.train_split, seed=seed)

    if section.introspection is None:
        return pack, make(pack)
    feedback = Introspection(pack, rounds, section.introspection, seed=setting.derived(name, "introspection"))
    return feedback.pack, IntrospectiveSchedule(feedback, make)


@dataclass(frozen=True)
class _Wish:
    """Episodes that are to be sampled."""

    scenarios: int
    samples: int
    temperature: float


def _sampled(
    setting: Setting, path: tuple[str, str], start: Path | str, wish: _Wish, record: Path
) -> Iterator[list[Rollout]]:
    """Play training scenarios with a model and yield the episodes of each; they are written down too."""
    model, _ = load_policy(start, setting.config, setting.processes)
    model.to(setting.processes.device)
    chosen = _drawn(setting, path, wish.scenarios)
    ids = [name for name in chosen for _ in range(wish.samples)]
    seed = setting.derived(*path, "sampling")
    seeds = [episode_seed(seed, name) for name in ids]
    played = setting.player.play(model, ids, seeds, temperature=wish.temperature, seed=seed, what="sampling")
    if setting.processes.is_main:
        write_trajectories(record, (one.trajectory for one in played))
    for place in range(0, len(played), wish.samples):
        yield played[place : place + wish.samples]


def _drawn(setting: Setting, path: tuple[str, str], count: int) -> list[str]:
    """Return training scenarios drawn without replacement, at most all there are."""
    known = setting.suite.train
    return stream(setting.seed, *path, "scenarios").sample(known, min(count, len(known)))


def _write(setting: Setting, file: Path, rows: Sequence[Row | Pair]) -> None:
    if setting.processes.is_main:
        write_rows(file, rows)
    setting.processes.wait()


def _train(
    setting: Setting, stage: Stage, part: _Part, make: Callable[[Any, Any, Any], Any], facts: dict[str, Any]
) -> None:
    """Train from the newest whole checkpoint or from the start, and leave a model and a mark."""
    from transformers import set_seed
    from transformers.trainer_callback import PrinterCallback

    config, processes, folder = setting.config, setting.processes, part.folder
    folder.path.mkdir(parents=True, exist_ok=True)
    call = Call(folder.path, part.steps, setting.derived(part.stage, part.part))
    set_seed(call.seed)  # an adapter's weights are drawn before the trainer sets the seed itself
    model, tokenizer = load_policy(part.start, config, processes)
    arguments = trl_config(config, stage, call, processes)
    try:
        trainer = make(trainable(model, config.peft), tokenizer, arguments)
    except (ValueError, NotImplementedError) as error:
        msg = f"the stage {part.stage} cannot be set up as asked for: {error}"
        raise AgentError(msg) from error
    trainer.remove_callback(PrinterCallback)
    if processes.is_main and config.run.progress:
        trainer.add_callback(Progress(part.stage if part.part == part.stage else f"{part.stage} {part.part}"))
    own = getattr(config, stage).evaluate_every
    every = config.evaluation.every if own is None else own
    trainer.add_callback(Evaluating(setting.evaluator, every, part.stage, part.offset, trainer))
    trainer.add_callback(Sealing(processes))
    newest = folder.newest_checkpoint(clean=processes.is_main)
    processes.wait()
    trainer.train(resume_from_checkpoint=str(newest) if newest is not None else None)
    bare = trainer.accelerator.unwrap_model(trainer.model)
    if processes.is_main:
        save_policy(bare, tokenizer, folder.final)
        write_json(folder.path / "log.json", trainer.state.log_history)
        folder.finish({"steps": part.steps, **facts, "mixed_precision": is_mixed(config, processes)})
    processes.wait()
