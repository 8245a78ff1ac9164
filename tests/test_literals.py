"""Calls in Python's notation are read as Python reads them, as far as they are data, and nothing is evaluated."""

import ast
import json
import keyword
import re
import sys
import time
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue import arguments, surrogates
from tool_gym import jsonio
from tool_gym.dialects import MAX_TURN_CHARS, PROBLEMS
from tool_gym.dialects.literals import NAME, read_call, write_call

names = st.from_regex(re.compile(NAME), fullmatch=True)
CONSTANTS = {"true": True, "false": False, "null": None}
TOKENS = [
    *"()[]{},:=*+-. \n\t#",
    *("f(", "a=", "b = ", "**{", "'k':", "f(a=", ")", "[1, ", "(2,)", "{}", "f(**{'k': "),
    *("1", "-0", "007", "0x1F", "0b12", "1_000", "1__0", "1.", ".5", "-2.5e-3", "1e5", "1E+2", "1e999", "2j", "..."),
    *("True", "False", "None", "true", "null", "nan", "inf", "x", "lambda", " for x in ", " if ", " or "),
    *("''", '""', "'x'", '"x"', "'''a'b'''", '"""a\n"b"""', '"""', "'", '"', "\\", "r'\\d'", "f'x'", "b'x'", "u'x'"),
    *(
        r"'\n'",
        r"'\d'",
        r"'\x41'",
        r"'\u00e9'",
        r"'\ud800'",
        r"'\U0010ffff'",
        r"'\U00110000'",
        r"'\101'",
        r"'\N{DASH}'",
    ),
    *("'\\\n'", "'a\nb'", "'é'", "'\ud800'"),
]
texts = st.lists(st.sampled_from(TOKENS) | surrogates, max_size=14).map("".join)
keywords = st.tuples(
    st.sampled_from(["a=", "b = ", "c\n=", "**", "**{'k': ", ""]),
    st.lists(st.sampled_from(TOKENS), min_size=1, max_size=3).map("".join),
).map("".join)
calls = st.lists(keywords, max_size=3).map(lambda parts: f"f({', '.join(parts)})")


def exact(value: Any) -> str:
    """JSON, which tells 0 from 0.0, -0.0 and False."""
    return json.dumps(value, sort_keys=True)


def evaluated(text: str) -> tuple[str, dict[str, Any]]:
    """What Python's own parser makes of a call; the JSON constants are names to it."""

    class Constants(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.Constant(CONSTANTS[node.id]) if node.id in CONSTANTS else node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\d"
        call = ast.parse(text.strip(), mode="eval").body
    assert isinstance(call, ast.Call)
    assert not call.args
    values: dict[str, Any] = {}
    for part in call.keywords:
        value = ast.literal_eval(Constants().visit(part.value))
        values |= value if part.arg is None else {part.arg: value}
    return ast.unparse(call.func), values


@given(names, arguments)
def test_a_call_that_is_written_is_read_back(name: str, given_: dict[str, Any]) -> None:
    text = write_call(name, given_)
    read, values, end = read_call(f"{text} and more")
    assert (read, end) == (name, len(text) + 1)
    assert exact(values) == exact(given_)


@given(arguments)
def test_what_python_prints_is_read(given_: dict[str, Any]) -> None:
    assert exact(read_call(f"f(**{given_!r})")[1]) == exact(given_)


@given(arguments)
def test_json_is_read(given_: dict[str, Any]) -> None:
    assert exact(read_call(f"f(**{json.dumps(given_, ensure_ascii=False)}, )")[1]) == exact(given_)


@given(calls | texts.map("f({})".format) | texts)
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        name, values, end = read_call(text)
    except jsonio.PlainJsonError as error:
        problem = error.problem
    else:
        jsonio.check_plain([name, values])
        assert 0 < end <= len(text)
        return
    assert problem in PROBLEMS


@given(calls)
def test_whatever_is_read_is_what_python_reads(text: str) -> None:
    try:
        name, values, end = read_call(text)
    except jsonio.PlainJsonError:
        return
    if not any(map(keyword.iskeyword, values)):  # these may be names here
        assert (name, exact(values)) == (evaluated(text[:end])[0], exact(evaluated(text[:end])[1]))


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("f()", {}),
        (" f ( ) ", {}),
        ("f(a=1)", {"a": 1}),
        ("f(a=1,)", {"a": 1}),
        ("f(\n  a = 'x',\n  b = \"y\",\n)", {"a": "x", "b": "y"}),
        ("f(a=True, b=False, c=None)", {"a": True, "b": False, "c": None}),
        ("f(a=true, b=false, c=null)", {"a": True, "b": False, "c": None}),
        ("f(a=-1, b=+2, c=- 3, d=0x1F, e=1_000)", {"a": -1, "b": 2, "c": -3, "d": 31, "e": 1000}),
        ("f(a=2.50, b=-.5, c=1., d=1e300, e=-0.0)", {"a": 2.5, "b": -0.5, "c": 1.0, "d": 1e300, "e": -0.0}),
        ("f(a=-9223372036854775808, b=18446744073709551615)", {"a": -(2**63), "b": 2**64 - 1}),
        ("f(a=[1, 'x', [], {}], b={'k': {'l': None}})", {"a": [1, "x", [], {}], "b": {"k": {"l": None}}}),
        ("f(a=(1, 2), b=(1,), c=(1), d=(), e=('x' 'y'))", {"a": [1, 2], "b": [1], "c": 1, "d": [], "e": "xy"}),
        ("f(a=[1, 2,], b={'k': 1,})", {"a": [1, 2], "b": {"k": 1}}),
        ("f(a='x' \"y\"\n'''z''')", {"a": "xyz"}),
        ('f(a="""two\nlines, "quoted" """)', {"a": 'two\nlines, "quoted" '}),
        (r"f(a='it\'s', b='\n\t\\', c='\x41\u00e9\U0001f600\101')", {"a": "it's", "b": "\n\t\\", "c": "Aé\U0001f600A"}),
        (r"f(a='\d+', b=r'\d\n', c='\
')", {"a": r"\d+", "b": r"\d\n", "c": ""}),
        ("f(a='é', b='a), g(')", {"a": "é", "b": "a), g("}),
        ("f(from='x', class=1, page-size=2, größe=3)", {"from": "x", "class": 1, "page-size": 2, "größe": 3}),
        ("f(a=1, **{'b c': 2, '': 3})", {"a": 1, "b c": 2, "": 3}),
        ("f(**{'b c': 2}, a=1, **{})", {"a": 1, "b c": 2}),
        ("f(a=" + "[" * 61 + "7" + "]" * 61 + ")", None),
    ],
)  # fmt: skip
def test_calls(text: str, values: dict[str, Any] | None) -> None:
    name, read, end = read_call(text)
    assert (name, end) == ("f", len(text))
    if values is not None:
        assert exact(read) == exact(values)


@pytest.mark.parametrize("name", ["f", "get_ship", "math.add", "get-ship", "a.b-c.d1", "_x", "größe", "print", "if"])
def test_names(name: str) -> None:
    assert read_call(f"{name}(a=1) ")[0] == name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "bad_syntax"),
        ("f", "bad_syntax"),
        ("3(a=1)", "bad_syntax"),
        ("f a(b=1)", "bad_syntax"),
        ("f(x)", "positional"),
        ("f('x')", "positional"),
        ("f(1, a=2)", "positional"),
        ("f(a=2, 1)", "positional"),
        ("f(*a)", "positional"),
        ("f(x for x in y)", "positional"),
        ("f(**x)", "not_literal"),
        ("f(**f(a=1))", "not_literal"),
        ("f(a=x)", "not_literal"),
        ("f(a=g())", "not_literal"),
        ("f(a=__import__('os').system('true'))", "not_literal"),
        ("f(a=1 + 2)", "not_literal"),
        ("f(a=2 ** 9)", "not_literal"),
        ("f(a='x' * 9)", "not_literal"),
        ("f(a='x'.upper())", "not_literal"),
        ("f(a=[1][0])", "not_literal"),
        ("f(a==1)", "not_literal"),
        ("f(a=not True)", "not_literal"),
        ("f(a=True and False)", "not_literal"),
        ("f(a=1 if True else 2)", "not_literal"),
        ("f(a=f'{x}')", "not_literal"),
        ("f(a=b'x')", "not_literal"),
        ("f(a=lambda: 1)", "not_literal"),
        ("f(a=[x for x in y])", "not_literal"),
        ("f(a=[1 for x in y])", "not_literal"),
        ("f(a={**x})", "not_literal"),
        ("f(a=nan)", "not_literal"),
        ("f(a=-inf)", "not_literal"),
        ("f(a={1, 2})", "not_json"),
        ("f(a={1: 2})", "not_json"),
        ("f(a={None: 2})", "not_json"),
        ("f(a={(1, 2): 2})", "not_json"),
        ("f(a={'k' 1})", "bad_syntax"),
        ("f(a=1 2)", "bad_syntax"),
        ("f(a='it's')", "bad_syntax"),
        ("f(a=)", "bad_syntax"),
        ("f(,)", "bad_syntax"),
        ("f(a=1,, b=2)", "bad_syntax"),
        ("f(a=[,])", "bad_syntax"),
        ("f(a=[1)", "bad_syntax"),
        ("f(a=(1]", "bad_syntax"),
        ("f(a=007)", "bad_syntax"),
        ("f(a=1j)", "bad_syntax"),
        ("f(a=1__0)", "bad_syntax"),
        ("f(a=1２)", "bad_syntax"),  # noqa: RUF001 - a digit of another script
        ("f(a=...)", "bad_syntax"),
        (r"f(a='\x4')", "bad_syntax"),
        (r"f(a='\N{DASH}')", "bad_syntax"),
        (r"f(a='\U00110000')", "bad_syntax"),
        ("f(", "unclosed"),
        ("f(a=", "unclosed"),
        ("f(a=1", "unclosed"),
        ("f(a=[1, ", "unclosed"),
        ("f(a='x", "unclosed"),
        ("f(a='''x'", "unclosed"),
        ("f(a='two\nlines')", "unclosed"),
        ("f(a=1, a=2)", "bad_arguments"),
        ("f(a=1, **{'a': 2})", "bad_arguments"),
        ("f(a=1e999)", "non_finite"),
        ("f(a=" + "9" * 400 + ".0)", "non_finite"),
        (r"f(a='\ud800')", "lone_surrogate"),
        ("f(a='\ud800')", "lone_surrogate"),
        ("f(**{'\ud800': 1})", "lone_surrogate"),
        ("f(a=18446744073709551616)", "int_range"),
        ("f(a=-9223372036854775809)", "int_range"),
        ("f(a=" + "9" * 5000 + ")", "int_range"),
        ("f(a=" + "[" * 62 + "7" + "]" * 62 + ")", "too_deep"),
        ("f(a=" + "[" * 30_000 + "]" * 30_000 + ")", "too_deep"),
        ("f(a=" + "{'k':" * 10_000, "too_deep"),
        ("f(a=[" + "0," * 25_000 + "0])", "too_many_nodes"),
    ],
)
def test_what_is_wrong_with_a_call_is_named(text: str, problem: str) -> None:
    with pytest.raises(jsonio.PlainJsonError) as caught:
        read_call(text)
    assert caught.value.problem == problem
    assert problem in PROBLEMS


def test_a_call_may_be_as_deep_and_large_as_one_in_json() -> None:
    deepest: Any = 7
    for _ in range(61):
        deepest = [deepest]
    for value in (deepest, list(range(9_000)), ["x"] * 19_995):
        jsonio.check_plain({"name": "f", "arguments": {"a": value}})
        assert read_call(write_call("f", {"a": value}))[1] == {"a": value}
    for value in ([deepest], ["x"] * 19_999):
        with pytest.raises(jsonio.PlainJsonError):
            jsonio.check_plain({"name": "f", "arguments": {"a": value}})
        with pytest.raises(jsonio.PlainJsonError):
            read_call(write_call("f", {"a": value}))


def test_a_stack_that_is_nearly_full_is_no_error_of_ours() -> None:
    text = "f(a=" + "[" * 50 + "]" * 50 + ")"

    def dive(depth: int) -> Any:
        return dive(depth - 1) if depth else read_call(text)

    frames = 0
    frame = sys._getframe()
    while frame.f_back is not None:
        frames, frame = frames + 1, frame.f_back
    with pytest.raises(jsonio.PlainJsonError, match="nest deeper"):
        dive(sys.getrecursionlimit() - frames - 40)
    assert read_call(text)[0] == "f"


@pytest.mark.parametrize(
    "piece",
    [
        *("a=1,", "a", "1", "[", "(", "{", "'", '"', "\\", "\\'", "''", "'x'", "'x' ", "'''", '"""', "**{", "**{}, "),
        *("[1,", "{'k':", "{'k': 1}, ", "-", "- ", "0x", "1_", ".", "e+1", " ", "\n", "f(", "f(a=", "\\x41", "'\\n' "),
    ],
)
@pytest.mark.parametrize("start", ["f(", "f(a=", "f(a=[", "f(a='", 'f(a="""', "f(a={'k': "])
def test_long_texts_take_no_time_to_speak_of(piece: str, start: str) -> None:
    text = (start + piece * MAX_TURN_CHARS)[:MAX_TURN_CHARS]
    started = time.perf_counter()
    with pytest.raises(jsonio.PlainJsonError):
        read_call(text)
    assert time.perf_counter() - started < 1
