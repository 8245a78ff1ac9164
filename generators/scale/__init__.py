"""Stage D, complexity scaling: the same task behind a larger, busier, rougher set of tools.

One module an operator, each with a level of 0 to 4 and a word on what it does to the oracle: nothing
(*oracle-preserving*) or a rewriting that is proved again (*oracle-rewriting*). FTRL's four published strategies are
functional generalisation (stage C), parameter expansion, parameter-type generalisation and toolset extension.
"""

from tool_gym.generators.scale.knobs import MAX_LEVEL, OPERATORS, Complexity, Knobs, asked_for
from tool_gym.generators.scale.toolset import extend_toolset, thinned
from tool_gym.generators.scale.view import Oracle, View, scale_view

__all__ = [
    "MAX_LEVEL",
    "OPERATORS",
    "Complexity",
    "Knobs",
    "Oracle",
    "View",
    "asked_for",
    "extend_toolset",
    "scale_view",
    "thinned",
]
