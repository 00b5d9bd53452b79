"""Segments and relationship stages of a playbook, compiled.

The relationship is found first, then the segments, then what triggers ask: so a segment may ask
for `relationship`, a trigger for both, and nothing can go round in a circle.
"""

from collections.abc import Collection, Iterable

from schemas.playbook import Playbook
from streams.playbook.errors import RuleError
from streams.playbook.expressions import Expression, compile_expression
from streams.playbook.parts import CompiledRelationship, CompiledSegment
from streams.segments.facts import FACTS
from streams.values.durations import milliseconds

FOR_TRIGGERS = tuple(FACTS)
FOR_SEGMENTS = tuple(
    name for name, fact in FACTS.items() if fact.group not in ("cause", "segments")
)
FOR_RELATIONSHIP = tuple(name for name in FOR_SEGMENTS if name != "relationship")

_NOT_HERE = {
    "segments": "segments cannot ask for segments: write the expression out",
    "relationship": "the relationship cannot ask for itself",
}


def condition(
    text: str | None, where: str, known: Collection[str], errors: list[RuleError]
) -> Expression | None:
    """The expression in the text; None where there is none or it is wrong."""
    if text is None:
        return None
    try:
        expression = compile_expression(text, where, FACTS)
    except RuleError as error:
        errors.append(error)
        return None
    for name in sorted(expression.names - set(known)):
        group = FACTS[name].group
        said = f"{name!r} belongs to what fires a trigger: only a trigger's `if` can ask for it"
        errors.append(RuleError(where, _NOT_HERE.get(group, said), max(0, text.find(name))))
    mistake = _tried(expression)
    if mistake is not None:
        errors.append(RuleError(where, mistake))
    return expression


def _tried(expression: Expression) -> str | None:
    """What is wrong with the expression's value for an example of a customer, if that tells."""
    facts = {name: FACTS[name].example for name in expression.names}
    try:
        value = expression.program.execute(facts)
    except TypeError as problem:
        # What is stated about a customer may be of any kind.
        if "traits" in expression.names:
            return None
        return str(problem).partition(" CEL does not")[0] + (
            " (texts stand in quotes; in arithmetic write double(purchases) beside money)"
        )
    except RuntimeError as problem:
        return str(problem).partition(" Check function")[0]
    except (LookupError, ValueError, ArithmeticError):
        return None
    if not isinstance(value, bool) and not ("traits" in expression.names and value is None):
        return f"gives {value!r}, not true or false; compare it with something"
    return None


def compile_relationship(playbook: Playbook, errors: list[RuleError]) -> CompiledRelationship:
    """The relationship rules; what is wrong is appended to `errors`."""
    written = playbook.relationship
    found: dict[str, Expression | None] = {
        name: condition(getattr(written, name), f"relationship.{name}", FOR_RELATIONSHIP, errors)
        for name in ("regular", "advocate", "partner", "blocked")
    }
    dormant: int | None = None
    if written.dormant is not None:
        try:
            dormant = milliseconds(written.dormant)
        except ValueError as problem:
            errors.append(RuleError("relationship.dormant", str(problem)))
    groups = {"purchases"} | ({"time"} if dormant is not None else set())
    for expression in found.values():
        if expression is not None:
            groups |= {FACTS[name].group for name in expression.names}
    return CompiledRelationship(
        regular=found["regular"] or compile_expression("purchases >= 2", "", FACTS),
        advocate=found["advocate"],
        partner=found["partner"],
        dormant=dormant,
        blocked=found["blocked"],
        groups=frozenset(groups),
    )


def compile_segments(
    playbook: Playbook, relationship: CompiledRelationship, errors: list[RuleError]
) -> tuple[CompiledSegment, ...]:
    """The segments in the order written; what is wrong is appended to `errors`."""
    compiled = []
    for name, segment in playbook.segments.items():
        if not name or "|" in name:
            errors.append(RuleError(f"segments.{name}", "a segment needs a name, without |"))
        expression = condition(segment.if_, f"segments.{name}.if", FOR_SEGMENTS, errors)
        if expression is None:
            continue
        groups: set[str] = {FACTS[fact].group for fact in expression.names}
        if "relationship" in groups:
            groups = (groups - {"relationship"}) | relationship.groups
        compiled.append(CompiledSegment(name, expression, frozenset(groups)))
    return tuple(compiled)


def asks(fact: str, expressions: Iterable[Expression]) -> bool:
    """Whether any of the expressions asks for the fact."""
    return any(fact in expression.names for expression in expressions)
