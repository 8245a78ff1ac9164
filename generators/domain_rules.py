def _problems(domain: Domain) -> Iterator[str]:
    """Yield what is wrong with a domain, in words."""
    prefixes = [entity.prefix for entity in domain.entities.values()]
    for name, entity in domain.entities.items():
        if _KEY.fullmatch(name) is None:
            yield f"{name!r} is no name for an entity; use lower-case letters, digits and _"
        if prefixes.count(entity.prefix) > 1 or re.fullmatch(r"[A-Z]{1,6}", entity.prefix) is None:
            yield f"{name}.prefix must be 1 to 6 capital letters that no other entity has, not {entity.prefix!r}"
        yield from (f"{name}.{problem}" for problem in _entity_problems(domain, entity))
        for column, attribute in entity.columns.items():
            if column in RESERVED or _KEY.fullmatch(column) is None:
                yield f"{name}.{column} is a name tools use for themselves, or no name at all; choose another"
            yield from (f"{name}.{column}: {problem}" for problem in _attribute_problems(domain, entity, attribute))


def _entity_problems(domain: Domain, entity: Entity) -> Iterator[str]:
    low, high = entity.rows
    if not 1 <= low <= high <= MAX_ROWS:
        yield f"rows must be two numbers from 1 to {MAX_ROWS}, the smaller first, not {entity.rows}"
    if (entity.label.pool is None) == (entity.label.code is None):
        yield "label needs either a pool or a code"
    if entity.label.pool is not None and _capacity(entity.label.pool) < 2 * high:
        yield f"label.pool {entity.label.pool!r} has not enough names for {high} rows, or does not exist"
    if len(entity.of_type("state")) > 1:
        yield "attributes has more than one state"
    booked = entity.availability
    if booked is not None:
        bookings = domain.entities.get(booked.bookings)
        refs = bookings.refs if bookings is not None else {}
        if bookings is None or domain.entities.get(refs.get(f"{booked.ref}_id", "")) is not entity:
            yield f"availability: {booked.bookings}.{booked.ref} does not lead here"
        elif booked.date not in bookings.of_type("date"):
            yield f"availability: {booked.bookings}.{booked.date} is no date"
        elif bookings.state is None or not set(booked.blocking) <= set(bookings.columns[bookings.state].values):
            yield f"availability: blocking names states that {booked.bookings} does not have"


def _attribute_problems(domain: Domain, entity: Entity, attribute: Attribute) -> Iterator[str]:
    if (attribute.type == "ref") != (attribute.entity is not None):
        yield "a ref, and nothing else, needs an entity"
    if attribute.entity is not None and attribute.entity not in domain.entities:
        yield f"leads to the unknown entity {attribute.entity!r}"
    if attribute.type in ("integer", "number", "date"):
        yield from _range_problems(attribute)
    if attribute.type in ("enum", "state"):
        yield from _values_problems(attribute)
    if attribute.type == "text" and _capacity(attribute.pool or "") < entity.rows[1]:
        yield f"the pool {attribute.pool!r} does not exist, or has not enough texts"
    if attribute.writable and attribute.type not in ("integer", "number"):
        yield "only numbers can be writable"
    if attribute.unit is not None and attribute.unit not in (*units.FACTORS, *units.WITHOUT_CONVERSION):
        yield f"the unit {attribute.unit!r} is unknown"


def _range_problems(attribute: Attribute) -> Iterator[str]:
    low, high = attribute.low, attribute.high
    if attribute.type == "date":
        try:
            ordered = dt.date.fromisoformat(str(low)) < dt.date.fromisoformat(str(high))
        except ValueError:
            ordered = False
        if not ordered:
            yield f"a date needs low and high, as YYYY-MM-DD, the earlier first; not {low!r} and {high!r}"
    elif not isinstance(low, float) or not isinstance(high, float) or not low < high:
        yield f"a number needs low and high, the smaller first; not {low!r} and {high!r}"
    if not 0 <= attribute.decimals <= MAX_DECIMALS:
        yield f"decimals must be 0 to {MAX_DECIMALS}, not {attribute.decimals}"


def _values_problems(attribute: Attribute) -> Iterator[str]:
    values = attribute.values
    if len({value.casefold().replace("_", " ") for value in values}) < max(2, len(values)):
        yield f"values must be two or more, all different, not {values}"
    named = {attribute.initial, attribute.cancel, *attribute.transitions}
    named |= {after for afters in attribute.transitions.values() for after in afters}
    strange = named - {None, *values}
    if strange:
        yield f"{min(map(str, strange))!r} is not among its values"
    if attribute.type == "state" and (attribute.initial is None or set(attribute.transitions) != set(values)):
        yield "a state needs an initial value, and transitions for every value"


def _capacity(pool: str) -> int:
    """Return how many different values a pool gives; 0 if there is none of that name."""
    found = load_pools().get(pool)
    return math.prod(len(part) for part in found["parts"]) if found is not None else 0
