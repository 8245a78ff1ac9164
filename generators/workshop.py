"""Where a pack is made: finished shards on disk, made by any number of processes, gone on from after a break."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from tool_gym import jsonio
from tool_gym.errors import GenerationError
from tool_gym.files import write_whole
from tool_gym.generators import collecting
from tool_gym.generators.plan import BLOCK, PackPlan, Shard
from tool_gym.generators.shards import Made, Report, make_shard, world_line

_MARK = "plan.json"


class Workshop:
    """The shards of one plan, made or to be made.

    Args:
        plan: What is made. Shards of another plan, or of another version, are thrown away.
        folder: Where they are kept; made here if missing.
    """

    def __init__(self, plan: PackPlan, folder: Path) -> None:
        self._plan = plan
        self._folder = folder
        mark = jsonio.dump_bytes({"digest": plan.digest()})
        if not (folder / _MARK).is_file() or (folder / _MARK).read_bytes() != mark:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            (folder / _MARK).write_bytes(mark)

    def make(self, workers: int, progress: Callable[[Report], None]) -> Report:
        """Make the shards that are missing and return what all of them took.

        Raises:
            GenerationError: If a scenario cannot be found.
        """
        total, missing = Report(), []
        for shard in self._plan.shards():
            done = self._reported(shard)
            missing += [] if done else [shard]
            total.add(done or Report())
        progress(total)
        if workers == 1 or len(missing) < 2:
            with collecting.seldom():
                for shard in missing:
                    make(self._plan, shard, self._folder, total, progress)
        else:
            self._share_out(missing, workers, total, progress)
        total.accepted = 0  # counted again as the shards are put together
        return total

    def read(self, shard: Shard) -> Iterator[Made]:
        """Yield the scenarios of a finished shard."""
        with _file(self._folder, shard).open("rb") as file:
            next(file)
            for line in file:
                yield Made.load(line)

    def worlds(self) -> Iterator[tuple[str, bytes]]:
        """Yield each world once, in the order of their scenarios: id and JSON."""
        known: set[str] = set()
        for split in dict.fromkeys(shard.split for shard in self._plan.shards()):
            shards = [shard for shard in self._plan.shards() if shard.split == split]
            owner = {block: self._world_lines(shard) for shard in shards for block in shard.blocks[:1]}
            of_block = {block: owner[shard.blocks[0]] for shard in shards for block in shard.blocks}
            for block in sorted(of_block):
                world_id, line = next(of_block[block])
                if world_id not in known:
                    known.add(world_id)
                    yield world_id, line

    def clear(self) -> None:
        """Throw the shards away."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _world_lines(self, shard: Shard) -> Iterator[tuple[str, bytes]]:
        with _worlds_file(self._folder, shard).open("rb") as file:
            for line in file:
                world_id, world = line.rstrip(b"\n").split(b" ", 1)
                yield world_id.decode(), world

    def _reported(self, shard: Shard) -> Report | None:
        path = _file(self._folder, shard)
        if not path.is_file():
            return None
        with path.open("rb") as file:
            told = jsonio.loads(next(file).decode())
        report = Report(told["accepted"], told["attempts"])
        report.rejected.update(told["rejected"])
        return report

    def _share_out(self, shards: list[Shard], workers: int, total: Report, progress: Callable[[Report], None]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks of threads it does not have
        pool = ProcessPoolExecutor(min(workers, len(shards)), mp_context=context)
        try:
            futures = [pool.submit(_make_apart, self._plan, shard, self._folder) for shard in shards]
            for future in as_completed(futures):
                total.add(future.result())
                progress(total)
        except BrokenPipeError as error:  # pragma: no cover - a worker was killed
            msg = f"a worker process ended early ({error}); run the same command again to go on"
            raise GenerationError(msg) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def make(
    plan: PackPlan, shard: Shard, folder: Path, total: Report, progress: Callable[[Report], None] = lambda _: None
) -> None:
    """Make a shard and write it to `folder`, whole or not at all; adds what it took to `total`."""
    own = Report()
    path, worlds = _file(folder, shard), _worlds_file(folder, shard)
    parts, lines = [], {}
    for made in make_shard(plan, shard, own):
        parts.append(made.dump())
        if made.index // BLOCK not in lines:
            lines[made.index // BLOCK] = f"{made.world} {world_line(plan, shard.split, made.index)}".encode()
        own.accepted += 1
        progress(Report(total.accepted + own.accepted, total.attempts + own.attempts, total.rejected + own.rejected))
    told = {"accepted": own.accepted, "attempts": own.attempts, "rejected": dict(own.rejected)}
    _write(worlds, list(lines.values()))
    _write(path, [jsonio.dump_bytes(told), *parts])
    total.add(own)


def _make_apart(plan: PackPlan, shard: Shard, folder: Path) -> Report:
    report = Report()
    with collecting.seldom():
        make(plan, shard, folder, report)
    return report


def _write(path: Path, lines: list[bytes]) -> None:
    write_whole(path, b"".join(line + b"\n" for line in lines))


def _file(folder: Path, shard: Shard) -> Path:
    return folder / f"{shard.name}.jsonl"


def _worlds_file(folder: Path, shard: Shard) -> Path:
    return folder / f"{shard.name}.worlds"
