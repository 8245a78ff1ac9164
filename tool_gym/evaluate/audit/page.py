"""The audit as one HTML page that needs nothing else: no network, no script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from tool_gym.envs.render_style import STYLE
from tool_gym.evaluate.audit.measure import Audit, Bar
from tool_gym.evaluate.audit.plots import STYLE as PLOT_STYLE
from tool_gym.evaluate.audit.plots import bars, grid
from tool_gym.evaluate.audit.published import CORPORA, REAL_TOOLS
from tool_gym.evaluate.audit.structure import spread
from tool_gym.scenario import AnswerGoal, Scenario
from tool_gym.values import display

_OWN_STYLE = """\
.tool-gym { max-width: 54rem; }
.tool-gym h1 + p { margin-top: .5rem; }
.tool-gym h2 { margin-top: 2rem; font-size: 1.125rem; }
.tool-gym .scroll { overflow-x: auto; }
.tool-gym .figures td, .tool-gym .figures th { padding: .2rem 1.25rem .2rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
.tool-gym .figures td:first-child { text-align: left; white-space: normal; min-width: 9rem; }
.tool-gym .figures .badge { white-space: nowrap; }
.tool-gym .columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 0 2rem; }
.tool-gym .sample p { margin-top: .35rem; }
"""


def page(audit: Audit) -> str:
    """Return the page."""
    size = f"{audit.scenarios:,} scenarios, {len(audit.structure.domains)} domains, {audit.worlds:,} worlds"
    parts = [
        f"<h1>{escape(audit.pack)} <small>{size}</small></h1>",
        *_headline(audit),
        *_shapes(audit),
        *_texts(audit),
        *_tools(audit),
        *_graph(audit),
        *_answers(audit),
        *_gates(audit),
        *_difficulty(audit),
        *_samples(audit.samples),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Audit of {escape(audit.pack)}</title><style>{STYLE}{PLOT_STYLE}{_OWN_STYLE}</style></head>"
        f'<body><main class="tool-gym">{"".join(parts)}</main></body></html>\n'
    )


def shown(bar: Bar) -> tuple[str, str, str]:
    """Return a bar in words: what was found, what it should be, whether it is."""
    digits = 0 if bar.value == int(bar.value) and bar.bar == int(bar.bar) else 2
    wanted = f"{bar.kind} {bar.bar:g}{bar.unit}" if bar.bar or bar.kind == "at least" else "0"
    return f"{bar.value:,.{digits}f}{bar.unit}", wanted, "met" if bar.met else "missed"


def _headline(audit: Audit) -> list[str]:
    rows = []
    for bar in audit.bars:
        value, wanted, verdict = shown(bar)
        badge = f'<span class="badge {"good" if bar.met else "bad"}">{verdict}</span>'
        rows.append(f"<tr><td>{escape(bar.name)}</td><td>{value}</td><td>{wanted}</td><td>{badge}</td></tr>")
    splits = ", ".join(f"{name} {count:,}" for name, count in audit.splits.items())
    made = audit.structure
    facts = (
        f"{splits}. {made.schemas:,} different tool schemas in {made.toolsets:,} different sets of tools; "
        f"{made.sequences:,} different sequences of what is asked of which table; "
        f"{audit.texts.words:.0f} words per request."
    )
    return [f"<p>{facts}</p>", _table(("figure", "found", "should be", ""), rows)]


def _shapes(audit: Audit) -> list[str]:
    cells = audit.structure.grid
    shapes = [shape for shape, _ in sorted(_sums(cells).items(), key=lambda item: -item[1])]
    depths = sorted({depth for _, depth in cells})
    calls, tools = spread(audit.structure.calls), spread(audit.structure.tools)
    told = "; ".join(
        f"{name}: {found['min']:g} to {found['max']:g}, {found['mean']:.1f} on average"
        for name, found in (("calls of the shortest plan", calls), ("tools in sight", tools))
    )
    levels = [
        _plot(knob, bars(_ordered(counts)))
        for knob, counts in sorted(audit.structure.levels.items())
        if len(counts) > 1
    ]
    return [
        "<h2>Shapes and depths</h2>",
        f'<div class="scroll">{grid(cells, shapes, depths)}</div>',
        f"<p class='mute'>Across: calls of the longest chain. In a scenario: {told}.</p>",
        "<h2>Complexity</h2>",
        f'<div class="columns">{"".join(levels)}</div>',
    ]


def _texts(audit: Audit) -> list[str]:
    own, found = audit.pack, audit.texts
    repeated = [*((corpus.name, corpus.self_bleu) for corpus in CORPORA), (own, found.self_bleu)]
    different = [*((corpus.name, corpus.distinct_3) for corpus in CORPORA), (own, found.distinct_3)]
    within = sorted(found.within.items(), key=lambda item: -item[1])
    parts = [
        "<h2>How varied the requests are</h2>",
        '<div class="columns">',
        _plot("self-BLEU-4: less is more varied", bars(_rising(repeated), form="{:.1f}", own=own)),
        _plot("distinct-3: more is more varied", bars(_rising(different), form="{:.2f}", own=own)),
        "</div><p class='mute'>Beside published corpora; a smaller one has a larger distinct-3 for that alone.</p>",
    ]
    return [*parts, "<h2>Self-BLEU-4 within a domain</h2>", bars(within, form="{:.1f}")] if within else parts


def _tools(audit: Audit) -> list[str]:
    parts = ["<h2>Tools beside real ones</h2>", '<div class="columns">']
    for figure, real in REAL_TOOLS.items():
        counts = audit.structure.tool_figures[figure]
        total = max(1, counts.total())
        rows = [(name, 100 * counts[name] / total) for name in real]
        marks = {name: 100 * share for name, share in real.items()}
        parts.append(_plot(figure, bars(rows, form="{:.0f}%", marks=marks)))
    words = audit.structure.tool_figures["words"]
    parts.append(_plot("words per description", bars(_ordered(words))))
    return [*parts, "</div><p class='mute'>The dark marks are the tools of 870 real MCP servers.</p>"]


def _graph(audit: Audit) -> list[str]:
    rows = [(name, 100 * used / possible) for name, (used, possible) in audit.structure.coverage.items() if possible]
    if not rows:
        return []
    return ["<h2>Edges of the tool graph used</h2>", bars(sorted(rows, key=lambda row: row[1]), form="{:.0f}%")]


def _answers(audit: Audit) -> list[str]:
    common = [f"<tr><td>{escape(text[:80])}</td><td>{count}</td></tr>" for text, count in audit.answers.common[:5]]
    return [
        "<h2>Answers</h2>",
        bars(audit.answers.types.most_common()),
        _table(("commonest answers", "scenarios"), common),
    ]


def _gates(audit: Audit) -> list[str]:
    parts = ["<h2>Gates</h2>", bars(sorted(audit.gates.items(), key=lambda item: _gate_order(item[0])))]
    parts.append("<p class='mute'>Scenarios whose certificate names the gate.</p>")
    if audit.rejected:
        rows = [
            f"<tr><td>{escape(reason)}</td><td>{count:,}</td></tr>"
            for reason, count in sorted(audit.rejected.items(), key=lambda item: -item[1])[:25]
        ]
        rate = f"{audit.scenarios / audit.attempts:.0%} of {audit.attempts:,} drafts passed." if audit.attempts else ""
        parts += [f"<p>{rate}</p>", _table(("gate and reason", "drafts rejected"), rows)]
    return parts


def _difficulty(audit: Audit) -> list[str]:
    if not audit.bands:
        return []
    names = list(audit.bands[0].failures)
    rows = [
        f"<tr><td>{band.level:.2f}</td><td>{band.scenarios}</td>"
        + "".join(f"<td>{band.failures[name]:.2f}</td>" for name in names)
        + f"<td>{band.failure:.2f}</td></tr>"
        for band in audit.bands
    ]
    return [
        "<h2>Difficulty: failures of scripted policies by level</h2>",
        _table(("level", "scenarios", *names, "all"), rows),
    ]


def _samples(samples: Iterable[Scenario]) -> list[str]:
    return ["<h2>Samples</h2>", *(_sample(scenario) for scenario in samples)]


def _sample(scenario: Scenario) -> str:
    said = "".join(f'<p class="text">{escape(turn)}</p>' for turn in scenario.user_turns)
    steps = "".join(f"<li><code>{escape(goal.tool)}</code> {escape(goal.question)}</li>" for goal in scenario.sub_goals)
    golds = [display(goal.gold) for goal in scenario.goals if isinstance(goal, AnswerGoal)]
    answer = f"<p>Answer: <b>{escape('; '.join(golds))}</b></p>" if golds else ""
    return (
        f'<section class="user sample"><p class="label">{escape(scenario.shape)}, {escape(scenario.domain)}, '
        f"{escape(scenario.id)}</p>{said}<details><summary>{len(scenario.sub_goals)} calls</summary>"
        f"<ol>{steps}</ol>{answer}</details></section>"
    )


def _plot(title: str, plot: str) -> str:
    return f'<div><p class="label">{escape(title)}</p>{plot}</div>'


def _table(columns: Sequence[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    return f'<div class="scroll"><table class="figures"><tr>{head}</tr>{"".join(rows)}</table></div>'


def _sums(cells: Mapping[tuple[str, int], int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for (shape, _), count in cells.items():
        found[shape] = found.get(shape, 0) + count
    return found


def _rising(rows: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    return sorted(rows, key=lambda row: row[1])


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, float]]:
    return [(name, float(counts[name])) for name in sorted(counts)]


def _gate_order(gate: str) -> tuple[int, str]:
    return (int(gate[1:]), gate) if gate[:1] == "G" and gate[1:].isdigit() else (0, gate)
