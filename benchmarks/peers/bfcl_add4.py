"""ADD4 on BFCL: its multi-turn executor, which evaluates Python calls on its own `MathAPI`."""

# BFCL is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

import itertools
import json

from bfcl_eval.eval_checker.multi_turn_eval.multi_turn_utils import execute_multi_turn_func_call

from benchmarks.peers.workload import SCRIPT, Player, serve


def executor() -> Player:
    """Return a player of the executor: a call a step; what it served must come to the answer."""
    script = itertools.cycle([(item.answer, [f"add(a={a},b={b})" for a, b in item.pairs]) for item in SCRIPT])

    def play(episodes: int) -> float:
        total = 0.0
        for answer, calls in itertools.islice(script, episodes):
            served = 0
            for call in calls:
                results, _ = execute_multi_turn_func_call([call], {}, ["MathAPI"], "scripted", "add4")
                served += json.loads(results[0])["result"]
            total += str(served) == answer
        return total

    return play


serve({"execute_multi_turn_func_call": executor})
