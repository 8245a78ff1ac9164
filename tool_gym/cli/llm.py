"""`tool-gym llm`: domains, paraphrases and documents written by a model, proved by us."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import typer

from tool_gym.cli.options import AsJson, Seed

if TYPE_CHECKING:
    from tool_gym.generators.llm.rebuilt import Source
    from tool_gym.generators.llm.runs import Run, Settings
    from tool_gym.llm.cache import Mode
    from tool_gym.llm.journal import Done
    from tool_gym.scenario import Scenario

DOMAIN_EXAMPLES = (
    "tool-gym llm domain --endpoint http://localhost:8000/v1#my-model --out domains --count 3",
    "tool-gym generate --out mine --count 200 --domain-files domains",
)
PARAPHRASE_EXAMPLES = (
    "tool-gym llm paraphrase mine --endpoint http://localhost:8000/v1#my-model --out mine-said",
    "tool-gym llm paraphrase mine --endpoint https://api.example.com/v1#large --out said --max-money 5 --price 2,8",
    "tool-gym llm paraphrase mine --endpoint http://localhost:8000/v1#my-model --out again --cache a.db --mode replay",
)
DOCUMENTS_EXAMPLES = ("tool-gym llm documents mine --endpoint http://localhost:8000/v1#my-model --out mine-documented",)

app = typer.Typer(help="Domains, paraphrases and documents written by a model behind an OpenAI-compatible endpoint.")


_Endpoint = Annotated[
    str,
    typer.Option(help="BASE_URL#MODEL; a key, if needed, is read from OPENAI_API_KEY.", metavar="URL#MODEL"),
]
_Pack = Annotated[Path, typer.Argument(help="Folder of a pack made by tool-gym generate.")]
_Cache = Annotated[Path | None, typer.Option(help="File of recorded answers.")]
_ModeOption = Annotated[
    Literal["live", "record", "replay"] | None,
    typer.Option(
        "--mode",
        help="live: always ask. record: ask what is not in the cache, and keep it. replay: never ask.",
        show_default="record with a cache, else live",
    ),
]
_MaxTokens = Annotated[int | None, typer.Option(min=1, help="Stop before more tokens than that are paid for.")]
_MaxMoney = Annotated[float | None, typer.Option(min=0, help="Stop before more money is spent; needs --price.")]
_Price = Annotated[
    str | None,
    typer.Option(
        help="Money per million tokens: PROMPT,COMPLETION or PROMPT,COMPLETION,CACHED.", metavar="P,C[,CACHED]"
    ),
]
_Concurrency = Annotated[int, typer.Option(min=1, max=256, help="Most requests at a time.")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a pack that is there already.")]


@app.command("domain", epilog="\n\n".join(("Examples:", *DOMAIN_EXAMPLES)))
def domain(  # noqa: PLR0913 - a command has the options it has
    *,
    endpoint: _Endpoint,
    out: Annotated[Path, typer.Option(help="Folder for the domain files.")],
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many domains.")] = 1,
    topic: Annotated[str | None, typer.Option(help="What all are to be about.", show_default="sectors in turn")] = None,
    split: Annotated[
        Literal["train", "validation", "test"], typer.Option(help="What the domains may be used for.")
    ] = "train",
    seed: Seed = 0,
    cache: _Cache = None,
    mode: _ModeOption = None,
    max_tokens: _MaxTokens = None,
    max_money: _MaxMoney = None,
    price: _Price = None,
    as_json: AsJson = False,
) -> None:
    """Have domains written; each is checked and tried out as by `tool-gym domain check`. Exits 1 if too few came of it.

    A run that was interrupted goes on where it was when the same command is given again.
    """
    from tool_gym.cli.find import check_writable
    from tool_gym.generators.llm.domains import estimate, write_domains
    from tool_gym.generators.llm.runs import open_run
    from tool_gym.progress import progress

    settings = _settings(endpoint, cache, mode, max_tokens, max_money, price, 1)
    _announce(settings, estimate(count))
    out.mkdir(parents=True, exist_ok=True)
    check_writable(out)
    with open_run(settings, out / ".run", "domains") as run, progress("writing domains", count) as done:
        written = write_domains(run, out, count, seed=seed, topic=topic, split=split, progress=done)
        how = run.described(written.results, {"stage": "domains"})
        names = [data["name"] for data in written.domains]
        _report(run, how, {"domains": names, "folder": str(out)}, as_json=as_json)
    if len(names) < count:
        raise typer.Exit(1)


@app.command("paraphrase", epilog="\n\n".join(("Examples:", *PARAPHRASE_EXAMPLES)))
def paraphrase(  # noqa: PLR0913 - as above
    pack: _Pack,
    *,
    endpoint: _Endpoint,
    out: Annotated[Path, typer.Option(help="The pack to make.")],
    cheap: Annotated[bool, typer.Option("--cheap", help="One back-translation, in place of two of three.")] = False,
    cache: _Cache = None,
    mode: _ModeOption = None,
    max_tokens: _MaxTokens = None,
    max_money: _MaxMoney = None,
    price: _Price = None,
    concurrency: _Concurrency = 8,
    overwrite: _Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Have what users say put in other words; a paraphrase that cannot be proved again is dropped.

    A run that was interrupted goes on where it was when the same command is given again.
    """
    from tool_gym.generators.llm import paraphrases as stage

    _remake(
        pack,
        out,
        _settings(endpoint, cache, mode, max_tokens, max_money, price, concurrency),
        lambda source: stage.estimate(source, cheap=cheap),
        lambda source, run, done: stage.paraphrase(source, run, cheap=cheap, progress=done),
        lambda source: len(source.entries),
        (stage.STAGE, "User turns are paraphrased by a model."),
        overwrite=overwrite,
        as_json=as_json,
    )


@app.command("documents", epilog="\n\n".join(("Examples:", *DOCUMENTS_EXAMPLES)))
def documents(  # noqa: PLR0913 - as above
    pack: _Pack,
    *,
    endpoint: _Endpoint,
    out: Annotated[Path, typer.Option(help="The pack to make.")],
    cache: _Cache = None,
    mode: _ModeOption = None,
    max_tokens: _MaxTokens = None,
    max_money: _MaxMoney = None,
    price: _Price = None,
    concurrency: _Concurrency = 8,
    overwrite: _Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Have the descriptions of tools and parameters rewritten; scenarios that cannot be proved again keep theirs.

    A run that was interrupted goes on where it was when the same command is given again.
    """
    from tool_gym.generators.llm import documents as stage

    _remake(
        pack,
        out,
        _settings(endpoint, cache, mode, max_tokens, max_money, price, concurrency),
        stage.estimate,
        lambda source, run, done: stage.rewrite(source, run, progress=done),
        lambda source: len(stage.documents_of(source)),
        (stage.STAGE, "Tools are documented by a model."),
        overwrite=overwrite,
        as_json=as_json,
    )


class _Made(Protocol):
    """What a stage that rewrites a pack returns."""

    @property
    def scenarios(self) -> list[Scenario]: ...

    @property
    def results(self) -> list[Done]: ...

    @property
    def about(self) -> dict[str, Any]: ...


def _remake(  # noqa: PLR0913, PLR0917 - what the two commands that rewrite a pack differ in
    pack: Path,
    out: Path,
    settings: Settings,
    estimate: Callable[[Source], tuple[int, int]],
    make: Callable[[Source, Run, Callable[[int], None]], _Made],
    total: Callable[[Source], int],
    named: tuple[str, str],
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write a pack with other words; what failed is written beside it."""
    from tool_gym.cli.find import check_new_folder
    from tool_gym.generators.llm.rebuilt import Source
    from tool_gym.generators.llm.runs import open_run
    from tool_gym.progress import progress

    stage, description = named
    folder = check_new_folder(out, overwrite=overwrite)
    source = Source.open(pack)
    _announce(settings, estimate(source))
    work = folder.with_name(f".{folder.name}.llm")
    with open_run(settings, work, stage) as run:
        with progress(stage, total(source)) as done:
            made = make(source, run, done)
        how = run.described(made.results, made.about)
        source.write(folder, made.scenarios, how, description, overwrite=overwrite)
        _report(run, how, {"folder": str(folder), "set aside": _set_aside(folder, made.results)}, as_json=as_json)
    shutil.rmtree(work)


def _settings(  # noqa: PLR0913, PLR0917 - one for each option
    endpoint: str,
    cache: Path | None,
    mode: Mode | None,
    max_tokens: int | None,
    max_money: float | None,
    price: str | None,
    concurrency: int,
) -> Settings:
    from tool_gym.errors import EndpointError
    from tool_gym.generators.llm.runs import Settings
    from tool_gym.llm.endpoint import parse_endpoint

    if cache is None and mode in ("record", "replay"):
        msg = f"--mode {mode} needs a file of answers: give --cache FILE"
        raise EndpointError(msg)
    chosen: Mode = mode if mode is not None else "record" if cache is not None else "live"
    return Settings(parse_endpoint(endpoint), cache, chosen, _priced(price), max_tokens, max_money, concurrency)


def _priced(text: str | None) -> Any:
    from tool_gym.errors import BudgetError
    from tool_gym.llm.ledger import Price

    if text is None:
        return None
    try:
        parts = [float(part) for part in text.split(",")]
    except ValueError:
        parts = []
    if len(parts) not in (2, 3) or not all(0 <= part < 1e9 for part in parts):
        msg = f"--price is two or three numbers per million tokens, as in 2.5,10 or 2.5,10,0.25, not {text!r}"
        raise BudgetError(msg)
    return Price(*parts)


def _announce(settings: Settings, tokens: tuple[int, int]) -> None:
    """Say what a run may take before it starts."""
    from tool_gym.cli.output import tell

    expected, most = tokens
    if settings.mode == "replay":
        tell("replaying recorded answers: nothing is asked and nothing paid")
        return
    told = f"about {expected:,} tokens if most answers are right at once, {most:,} at the very most"
    if settings.price is not None:
        told += f" (about {settings.price.of(expected * 3 // 4, expected // 4):.2f} in money)"
    tell(f"{settings.endpoint.model} will be asked for {told}")
    if settings.max_tokens is not None and settings.max_tokens < expected:
        tell(f"the cap of {settings.max_tokens:,} tokens may stop the run early; with a higher one it would go on")


def _set_aside(folder: Path, results: Sequence[Done]) -> int:
    """Write what came to nothing beside the pack, with its reasons; return how much that is."""
    from tool_gym import jsonio
    from tool_gym.files import write_whole
    from tool_gym.generators.llm.runs import ACCEPTED

    failed = [{"status": done.status, **done.value} for done in results if done.status != ACCEPTED]
    path = folder.with_name(f"{folder.name}.quarantine.jsonl")
    if failed:
        write_whole(path, b"".join(jsonio.dump_bytes(one) + b"\n" for one in failed))
    else:
        path.unlink(missing_ok=True)
    return len(failed)


def _report(run: Run, how: dict[str, Any], about: dict[str, Any], *, as_json: bool) -> None:
    from tool_gym.cli.output import print_all, print_json, table, text

    paid = run.client.ledger.paid.described(run.settings.price)
    if as_json:
        print_json({**about, "how": how, "paid": paid})
        return
    counts = ("requests", "prompt_tokens", "cached_tokens", "completion_tokens", "retries")
    rows = [
        (
            name,
            *(stage.get(what, 0) for what in counts),
            sum(n for what, n in stage.items() if what.startswith("wasted")),
        )
        for name, stage in how["stages"].items()
    ]
    results = ", ".join(f"{count} {status}" for status, count in how["results"].items())
    money = f", {how['money']} in money" if how["money"] is not None else ""
    each = f"; {how['tokens_per_accepted']} tokens for each accepted" if "tokens_per_accepted" in how else ""
    print_all(
        *(text(f"{name}: {value}") for name, value in about.items()),
        text(f"results: {results} ({how['model']}, {how['constraint']})"),
        text(""),
        table(("stage", "requests", "prompt", "cached", "completion", "retries", "wasted"), rows, numbers=6),
        text(""),
        text(f"the answers took {how['tokens']} tokens{money}{each}; paid for so far: {paid['tokens']} tokens"),
    )
