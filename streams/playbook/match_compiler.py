"""Compiles the match rules of a playbook into the dispatch table of `streams.playbook.matching`."""

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from schemas.playbook import MatchRule, Playbook
from streams.playbook.errors import RuleError
from streams.playbook.event_names import by_folded_name, nearest_name
from streams.playbook.item_rules import (
    MAX_REMEMBERED,
    MAX_REMEMBERED_LENGTH,
    first_group,
    is_left_by_item,
    named_item,
    names_of,
    remembered,
    teaches_items,
)
from streams.playbook.matching import (
    NOTHING,
    CompiledMatch,
    Dispatch,
    Leave,
    Match,
    Matched,
    OrderStep,
)
from streams.playbook.paths import PathTrie
from streams.playbook.suggestions import choices
from streams.playbook.topics import (
    compile_template,
    family,
    fields_of,
    label,
    template_fields,
)


def compile_matches(playbook: Playbook, errors: list[RuleError]) -> Dispatch:
    """The dispatch table of the playbook's match rules; mistakes are appended to `errors` and their
    rules left out."""
    events: dict[str, tuple[CompiledMatch, ...]] = {}
    contacts: dict[str, tuple[CompiledMatch, ...]] = {}
    pages = PathTrie()
    for name in playbook.items:
        if name not in playbook.ladders:
            said = f"no ladder for {name!r}; {choices(name, playbook.ladders)}"
            errors.append(RuleError(f"items.{name}", said))
    for index, rule in enumerate(playbook.match):
        where = f"match[{index}]"
        compiled = _compile(rule, where, playbook, errors)
        if compiled is None:
            continue
        if rule.event is not None:
            for name in (rule.event, *rule.also):
                events[name] = (*events.get(name, ()), compiled)
        elif rule.contact is not None:
            for name in (rule.contact, *rule.also):
                contacts[name] = (*contacts.get(name, ()), compiled)
        elif rule.page is not None:
            try:
                pages.add(rule.page, compiled)
            except ValueError as problem:
                errors.append(RuleError(f"{where}.page", str(problem)))
    for index, encoding in enumerate(playbook.url_encodings):
        try:
            b"".decode(encoding)
        except LookupError:
            said = f"no encoding is called {encoding!r}; write cp949, shift_jis or gb18030"
            errors.append(RuleError(f"url_encodings[{index}]", said))
    nearest = lru_cache(maxsize=MAX_REMEMBERED)(partial(nearest_name, known=(*events, *contacts)))
    return Dispatch(
        events, contacts, pages, by_folded_name(events), nearest, playbook.url_encodings,
        _of_path(pages),
    )  # fmt: skip


def _of_path(pages: PathTrie) -> Callable[[str], Matched | None]:
    @lru_cache(maxsize=MAX_REMEMBERED)
    def of_short_path(path: str) -> Matched | None:
        found = pages.match(path)
        if not found:
            return NOTHING
        fields, rule = found[0]
        known: CompiledMatch = rule
        if known.fields is None or not known.fields <= fields.keys():
            return None
        return known.alone(fields) if known.alone is not None else None

    def of_path(path: str) -> Matched | None:
        if len(path) > MAX_REMEMBERED_LENGTH:
            return None if pages.match(path) else NOTHING
        return of_short_path(path)

    return of_path


def _compile(
    rule: MatchRule, where: str, playbook: Playbook, errors: list[RuleError]
) -> CompiledMatch | None:
    before = len(errors)
    given = [name for name in ("event", "page", "contact") if getattr(rule, name) is not None]
    if len(given) != 1:
        errors.append(RuleError(where, "give exactly one of event, page and contact"))
    if rule.also and rule.page is not None:
        errors.append(
            RuleError(f"{where}.also", "a page has no other names; write a rule for each")
        )
    step: OrderStep | None = "placed" if rule.order is True else rule.order or None
    if rule.stage is None and not rule.leaves and step in (None, "placed"):
        errors.append(RuleError(where, "give the stage it leads to, or the stages it leaves"))
    if rule.topic is None:
        if rule.stage is not None or rule.leaves:
            errors.append(RuleError(where, "missing required field `topic`"))
        nothing = CompiledMatch(None, None, None, rule.each, step)
        return nothing if len(errors) == before else None
    simple = rule.stage is not None and not rule.leaves and rule.each is None
    ladder = _check_topic(rule, rule.topic, where, playbook, errors)
    if len(errors) > before or ladder is None:
        return None
    make = None if rule.stage is None else _maker(rule, rule.topic, rule.stage, playbook)
    alone: Callable[[Mapping[str, Any]], Matched] | None = None
    if simple and make is not None:
        alone = _alone(make, step, _deciding(rule, rule.topic, playbook))
        if teaches_items(rule, rule.topic, playbook):
            alone = remembered(rule.topic, alone, playbook)
    return CompiledMatch(
        make,
        alone,
        _leaver(rule, rule.topic, playbook) if rule.leaves else None,
        rule.each,
        step,
        frozenset(fields_of(rule.topic)) if simple else None,
    )


def _check_topic(
    rule: MatchRule, topic: str, where: str, playbook: Playbook, errors: list[RuleError]
) -> tuple[str, ...] | None:
    """The ladder of the topic's family; mistakes are appended to `errors`."""
    whole = topic.endswith("/*")
    if whole and rule.stage is not None:
        said = f"{topic!r} is every topic of a family; name one with `stage`"
        errors.append(RuleError(f"{where}.topic", said))
    try:
        compile_template(topic)
    except ValueError as problem:
        errors.append(RuleError(f"{where}.topic", str(problem)))
    name = family(topic)
    ladder = playbook.ladders.get(name)
    if ladder is None:
        said = f"no ladder for {name!r}; {choices(name, playbook.ladders)}"
        errors.append(RuleError(f"{where}.topic", said))
        return None
    asked = [("stage", rule.stage)] if rule.stage is not None else []
    asked += [(f"leaves[{index}]", stage) for index, stage in enumerate(rule.leaves)]
    for at, stage in asked:
        if stage not in ladder:
            said = f"{stage!r} is no stage of {name!r}; {choices(stage, ladder)}"
            errors.append(RuleError(f"{where}.{at}", said))
    return ladder


def _alone(
    make: Callable[[Mapping[str, Any]], Match | None], step: OrderStep | None, first: str | None
) -> Callable[[Mapping[str, Any]], Matched]:
    """What a rule makes of an event by itself. `first` is the field that alone decides where it is
    a text: then what it makes is remembered."""
    nothing = NOTHING if step is None else Matched([], (), step)
    by_text: dict[str, Matched] = {}

    def alone(fields: Mapping[str, Any]) -> Matched:
        text = fields.get(first) if first is not None else None
        if type(text) is str:
            known = by_text.get(text)
            if known is not None:
                return known
        found = make(fields)
        if found is None:
            return nothing
        matched = Matched([found], (), step)
        if type(text) is str and len(text) <= MAX_REMEMBERED_LENGTH and label(text):
            if len(by_text) >= MAX_REMEMBERED:
                by_text.clear()
            by_text[text] = matched
        return matched

    return alone


def _deciding(rule: MatchRule, topic: str, playbook: Playbook) -> str | None:
    """The field whose text alone decides the match of a rule; None where others have a say."""
    one_field = template_fields(topic)
    if one_field is None:
        return None
    first = one_field[1][0]
    items = playbook.items.get(family(topic), ())
    if not items or rule.page is not None:
        return first
    return None if first in items or teaches_items(rule, topic, playbook) else first


def _maker(
    rule: MatchRule, topic: str, stage: str, playbook: Playbook
) -> Callable[[Mapping[str, Any]], Match | None]:
    """The function that makes a rule's match from an event's properties."""
    name = family(topic)
    place = (name, stage)
    render, names_in = compile_template(topic), names_of(topic, playbook)
    if names_in is None or rule.page is not None:  # a page names a topic, but never an item of it

        def make(fields: Mapping[str, Any]) -> Match | None:
            found = render(fields)
            return None if found is None else Match(found, stage, place)

        return make
    can_be_left = is_left_by_item(rule, topic, playbook)
    of_items = teaches_items(rule, topic, playbook)

    def make_with_item(fields: Mapping[str, Any]) -> Match | None:
        found = render(fields)
        if found is None:
            return None
        return Match(found, stage, place, named_item(found, names_in(fields), can_be_left))

    if of_items:
        return remembered(topic, make_with_item, playbook)
    group = first_group(topic, playbook)

    def make_by_group(fields: Mapping[str, Any]) -> Match | None:
        # Views are most of all events, and most name a category.
        found = group(fields) if group is not None else None
        return make_with_item(fields) if found is None else Match(found, stage, place)

    return make_by_group


def _leaver(
    rule: MatchRule, topic: str, playbook: Playbook
) -> Callable[[Mapping[str, Any]], Leave | None]:
    """The function that says which topic leaves the stages."""
    stages = rule.leaves
    if topic.endswith("/*"):
        everything = Leave(topic, stages)
        return lambda fields: everything
    render, names_in = compile_template(topic), names_of(topic, playbook)
    whole = bool(rule.order)  # a cancelled order leaves a stage as a whole

    def leave(fields: Mapping[str, Any]) -> Leave | None:
        found = render(fields)
        if found is None:
            return None
        names = names_in(fields) if names_in is not None else ()
        if not names:
            return Leave(found, stages)
        return Leave(found, stages, named_item(found, names, not whole), whole)

    return leave
