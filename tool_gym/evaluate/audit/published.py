"""Figures of published corpora and of real tools, to compare a pack with.

Measured on the released data of each, 1,000 texts or all; self-BLEU-4 over 200 texts against 100 others.
"""

from __future__ import annotations

from typing import NamedTuple


class Corpus(NamedTuple):
    """How varied the requests of a published corpus are."""

    name: str
    texts: int
    words: int
    """Mean words per text."""
    distinct_2: float
    distinct_3: float
    self_bleu: float
    """In percent."""


CORPORA = (
    Corpus("BFCL simple", 400, 18, 0.66, 0.87, 15.8),
    Corpus("BFCL live multiple", 1053, 23, 0.43, 0.66, 21.9),
    Corpus("BFCL multi-turn base", 200, 46, 0.57, 0.81, 21.4),
    Corpus("BFCL parallel multiple", 200, 90, 0.44, 0.67, 31.3),
    Corpus("RoTBench clean", 105, 23, 0.70, 0.84, 23.8),
    Corpus("FTRL test", 200, 32, 0.55, 0.74, 30.2),
    Corpus("τ-bench", 165, 95, 0.34, 0.51, 59.8),
    Corpus("τ²-bench retail", 114, 75, 0.35, 0.55, 63.0),
)

FTRL_LEAKS = {"answer in the question": 0.13, "sub-answer in the documents": 0.09}
"""Shares of FTRL's test split."""

REAL_TOOLS = {
    "parameters": {"0": 0.15, "1": 0.32, "2": 0.22, "3": 0.13, "4 or 5": 0.11, "6 or more": 0.07},
    "types": {
        "string": 0.56,
        "number": 0.17,
        "array": 0.07,
        "boolean": 0.06,
        "enum": 0.05,
        "union or none": 0.05,
        "object": 0.03,
    },
}
"""Distributions over the tools of 870 real MCP servers (Toucan): parameters per tool, types of parameters."""
