"""Units of measure: what converts into what, and how people write them.

Currencies and percentages are units without conversions: their rates are not facts of a world.
"""

from __future__ import annotations

FACTORS: dict[str, tuple[str, float]] = {
    "g": ("mass", 1.0),
    "kg": ("mass", 1000.0),
    "t": ("mass", 1_000_000.0),
    "mm": ("length", 0.001),
    "m": ("length", 1.0),
    "km": ("length", 1000.0),
    "mi": ("length", 1609.344),
    "m2": ("area", 1.0),
    "ft2": ("area", 0.09290304),
    "ha": ("area", 10_000.0),
    "mL": ("volume", 0.001),
    "L": ("volume", 1.0),
    "s": ("time", 1.0),
    "min": ("time", 60.0),
    "h": ("time", 3600.0),
    "kW": ("power", 1.0),
    "MW": ("power", 1000.0),
    "kWh": ("work", 1.0),
    "MWh": ("work", 1000.0),
    "MB": ("data", 1.0),
    "GB": ("data", 1000.0),
}
"""Unit → (dimension, factor to the dimension's base unit). Miles and feet are the international ones."""

WITHOUT_CONVERSION = ("USD", "percent")

OTHER = "other"
"""Stands for any unit that people write and that is none of these: it converts into nothing."""

_SPELLINGS = {
    "g": "gram grams",
    "kg": "kilogram kilograms kgs",
    "t": "tonne tonnes",
    "mm": "millimetre millimetres millimeter millimeters",
    "m": "metre metres meter meters",
    "km": "kilometre kilometres kilometer kilometers",
    "mi": "mile miles",
    "m2": "m² sqm",
    "ft2": "ft² sqft",
    "ha": "hectare hectares",
    "mL": "ml millilitre millilitres milliliter milliliters",
    "L": "l litre litres liter liters",
    "s": "second seconds sec",
    "min": "minute minutes mins",
    "h": "hour hours hr hrs",
    "kW": "kilowatt kilowatts",
    "MW": "megawatt megawatts",
    "kWh": "",
    "MWh": "",
    "MB": "megabyte megabytes",
    "GB": "gigabyte gigabytes",
    "USD": "$ dollar dollars usd",
    "percent": "% percent",
    OTHER: (
        "lb lbs pound pounds oz ounce ounces ft foot feet inch inches yd yard yards cm acre acres "
        "gallon gallons day days week weeks month months year years watt watts W GW Wh GWh KB kB TB eur euro euros"
    ),
}

SPELLINGS: dict[str, str] = {
    **{unit: unit for unit in _SPELLINGS if unit != OTHER},
    **{word: unit for unit, words in _SPELLINGS.items() for word in words.split()},
}
"""Written form → unit; symbols are case-sensitive, words lower-case."""


def spelled(text: str) -> str | None:
    """Return the unit that `text` writes, `OTHER` for one that is none of ours, None if it writes no unit.

    >>> spelled("kilometres"), spelled("sq ft"), spelled("feet"), spelled("ships")
    ('km', 'ft2', 'other', None)
    """
    words = text.split()
    if len(words) == 2:  # square metres, sq ft
        side = words[1].lower()
        return "m2" if SPELLINGS.get(side) == "m" else "ft2" if side in ("ft", "foot", "feet") else OTHER
    return SPELLINGS.get(text) or (SPELLINGS.get(text.lower()) if len(text) > 1 else None)


def convert(value: float, source: str, target: str) -> float | None:
    """Convert `value` between units, rounded to 6 decimals; None where no conversion exists.

    >>> convert(2.5, "kg", "g")
    2500.0
    """
    if source == target:
        return value
    if source not in FACTORS or target not in FACTORS or FACTORS[source][0] != FACTORS[target][0]:
        return None
    return round(value * FACTORS[source][1] / FACTORS[target][1], 6)


def partners(unit: str) -> tuple[str, ...]:
    """Return the other units `unit` converts into."""
    dimension = FACTORS.get(unit, ("",))[0]
    return tuple(other for other, (kind, _) in FACTORS.items() if kind == dimension and other != unit)
