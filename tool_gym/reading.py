"""How a text written by a model is read as a number, date, yes or no, list or name.

Every function takes time in proportion to the text. What is not understood is not guessed at.
What is not covered: numbers in words, fractions, scales such as "5 million", dates without a year or in figures
other than year-month-day, decimal commas; such an answer is refused.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from tool_gym import jsonio, units

_EDGES = " \t\r\n.,;:!?\"'`*_()[]“”‘’"
_DASHES = str.maketrans(dict.fromkeys("\u2212\u2013\u2010\u2011\ufe63\uff0d", "-"))
_NUMBER = re.compile(
    r"(?<![\w.,])([-+]?(?:(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3})?)(?!\d)"
    r"(?:\s*((?:(?:sq|square)\.?\s)?(?:m2|ft2|m²|ft²|[^\W\d_]+|%)))?"
)
_CURRENCIES = {"$": "USD", "€": units.OTHER, "£": units.OTHER, "¥": units.OTHER}
_FRACTION = re.compile(r"[.eE]")
_SCALE = re.compile(r"[kKMB]|(?i:bn|hundred|thousand|million|billion|trillion|dozen)")
_MONTHS = {  # not `calendar`'s: those change with the locale
    name: number
    for number, names in enumerate(
        [
            ("january", "jan"),
            ("february", "feb"),
            ("march", "mar"),
            ("april", "apr"),
            ("may",),
            ("june", "jun"),
            ("july", "jul"),
            ("august", "aug"),
            ("september", "sept", "sep"),
            ("october", "oct"),
            ("november", "nov"),
            ("december", "dec"),
        ],
        1,
    )
    for name in names
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATE = re.compile(
    r"(?<!\d)(?:(?P<y1>\d{4})[-/](?P<m1>\d{1,2})[-/](?P<d1>\d{1,2})"
    rf"|(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m2>{_MONTH})\.?,? (?P<y2>\d{{4}})"
    rf"|\b(?P<m3>{_MONTH})\.? (?P<d3>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y3>\d{{4}}))(?!\d)",
    re.IGNORECASE,
)
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YEAR, _MONTH_OF, _DAY = ("y1", "y2", "y3"), ("m1", "m2", "m3"), ("d1", "d2", "d3")
_WORD = re.compile(r"[^\W\d_]+")
_POLARITY = {"yes": True, "true": True, "no": False, "false": False}
_BULLET = re.compile(r"^[-*•+]\s+")
_ENUMERATIONS = ("({})", "{})", "{}.")


def fold(text: str) -> str:
    """Return a text without case, spacing, quotes, outer punctuation and a leading "the".

    >>> fold("The  “Aurora”."), fold("in_port")
    ('aurora', 'in port')
    """
    words = unicodedata.normalize("NFKC", text).casefold().replace("_", " ").strip(_EDGES).split()
    if len(words) > 1 and words[0] == "the":
        del words[0]
    return " ".join(words).strip(_EDGES)


def number(text: str, unit: str | None) -> float | None:
    """Return the one number of a text, converted to `unit`; None if there is none, or a second, or it is no such unit.

    Without a unit, on either side, the bare number counts.
    """
    text = text.translate(_DASHES)
    found = list(_NUMBER.finditer(text))
    if len(found) != 1:
        return None
    before, digits, measure = text[: found[0].start()], found[0].group(1).replace(",", ""), found[0].group(2) or ""
    written = next((unit for sign, unit in _CURRENCIES.items() if sign in text), None) or units.spelled(measure)
    rest = before + ("" if written else measure) + text[found[0].end() :]
    if any(map(str.isnumeric, rest)) or _SCALE.fullmatch(measure):
        return None
    value = float(digits) if _FRACTION.search(digits) else int(digits)
    if before.lower().split()[-1:] in (["minus"], ["negative"]):
        value = -value
    if written is None or unit is None or units.spelled(unit) in (None, units.OTHER):
        return value
    return units.convert(value, written, unit)


def dates(text: str) -> list[str]:
    """Return every date of a text, in ISO form; none at all if one of them is no day of the calendar."""
    found = [_iso(match) for match in _DATE.finditer(text.translate(_DASHES))]
    return [] if None in found else [date for date in found if date is not None]


def whole_date(text: str) -> str | None:
    """Return the date a text is, in ISO form; None if it is none or says more."""
    match = _DATE.fullmatch(text.strip())
    return _iso(match) if match else None


def check_date(text: str) -> str:
    """Return `text`; raises `ValueError` unless it is a date written as YYYY-MM-DD."""
    if _ISO_DATE.fullmatch(text) is None:
        msg = f"{text[:40]!r} is not written as YYYY-MM-DD"
        raise ValueError(msg)
    dt.date.fromisoformat(text)
    return text


def polarity(text: str) -> bool | None:
    """Return whether a text says yes or no: by its first word, if it does not say the opposite later.

    >>> polarity("Yes, berth B2 is free."), polarity("No."), polarity("yes or no"), polarity("It depends.")
    (True, False, None, None)
    """
    said = [_POLARITY[word] for word in _WORD.findall(text.lower()) if word in _POLARITY]
    first = _WORD.search(text.lower())
    if first is None or first.group() not in _POLARITY or len(set(said)) != 1:
        return None
    return said[0]


def listed(text: str, count: int) -> list[str]:
    """Return the items of a list: JSON, or divided by semicolons, lines or commas; numbered or not.

    Args:
        text: The list.
        count: How many items are hoped for; if commas don't give as many, a last "and" divides too.

    >>> listed("(1) Aurora; (2) 5", 2), listed("1. 5; 2. 7", 2), listed("1; 2", 2), listed("1.5; 2.5", 2)
    (['Aurora', '5'], ['5', '7'], ['1', '2'], ['1.5', '2.5'])
    """
    stripped = text.strip()
    if stripped.startswith("["):
        try:
            items = jsonio.loads_plain(stripped)
        except jsonio.PlainJsonError:
            return []
        return [item if isinstance(item, str) else jsonio.dumps(item) for item in items]
    if ";" in stripped:
        parts = stripped.split(";")
    elif "\n" in stripped:
        parts = [_BULLET.sub("", line.strip(), count=1) for line in stripped.split("\n")]
    else:
        parts = stripped.split(", ")
        if len(parts) != count:
            parts = re.split(r",? and |, ", stripped)
    return _unnumbered([part for part in map(str.strip, parts) if part])


def _unnumbered(items: list[str]) -> list[str]:
    """Strip (1) (2) (3), 1) 2) 3) or 1. 2. 3. from two items or more, if they count so from first to last.

    A number is a mark only with a space and an item behind it: else it is the item.
    """
    for style in _ENUMERATIONS if len(items) > 1 else ():
        marks = [style.format(number) for number in range(1, len(items) + 1)]
        rests = [item[len(mark) :] for item, mark in zip(items, marks, strict=True) if item.startswith(mark)]
        if len(rests) == len(items) and all(rest[:1].isspace() for rest in rests):
            return [rest.strip() for rest in rests]
    return items


def _iso(match: re.Match[str]) -> str | None:
    year, month, day = (next(filter(None, match.group(*names))) for names in (_YEAR, _MONTH_OF, _DAY))
    try:
        return dt.date(int(year), _MONTHS.get(month.lower()) or int(month), int(day)).isoformat()
    except ValueError:
        return None
