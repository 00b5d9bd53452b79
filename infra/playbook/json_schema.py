"""The JSON Schema of playbooks, for editors: made from the structs and their docstrings."""

import ast
import inspect
import json
from pathlib import Path
from typing import Any

import msgspec

import schemas.playbook
from schemas.playbook import Playbook
from streams.triggers.registry import KINDS

PUBLISHED = Path(__file__).parents[1] / "playbooks" / "playbook.schema.json"
"""Its copy in the repository; a test compares it with `schema_text`."""

_DURATION = {"pattern": r"^\s*\d+\s*[smhdw]\s*$", "examples": ["30m", "24h", "7d"]}
_PATTERNS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(
        ("after", "expires", "cooldown", "per", "within", "one_offer_per", "dormant"), _DURATION
    ),
    "begin": {"pattern": r"^([01]?\d|2[0-3]):[0-5]\d$", "examples": ["21:00"]},
    "end": {"pattern": r"^([01]?\d|2[0-3]):[0-5]\d$", "examples": ["09:00"]},
    "secrets": {"items": {"type": "string", "pattern": "^DAEHWA_SECRET_.+"}},
}


def schema_text() -> str:
    """The schema as indented JSON, with a newline at the end."""
    return json.dumps(playbook_schema(), indent=2, ensure_ascii=False) + "\n"


def playbook_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a playbook document."""
    (definition,), parts = msgspec.json.schema_components([Playbook], ref_template="#/$defs/{name}")
    described = _descriptions()
    for name, part in parts.items():
        for field, schema in part.get("properties", {}).items():
            text = described.get((name, field if field != "if" else "if_"))
            if text:
                schema["description"] = text
            _narrow(schema, _PATTERNS.get(field, {}))
    kinds = [name for name, kind in KINDS.items() if kind.in_playbook]
    parts["TriggerRule"]["properties"]["when"] = {"enum": sorted(kinds)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Daehwa playbook",
        **definition,
        "$defs": dict(sorted(parts.items())),
    }


def _narrow(schema: dict[str, Any], more: dict[str, Any]) -> None:
    for one in schema.get("anyOf", [schema]):
        if one.get("type") in ("string", "array"):
            one.update(more)


def _descriptions() -> dict[tuple[str, str], str]:
    """(struct, field) -> the docstring under the field."""
    found = {}
    for struct in ast.parse(inspect.getsource(schemas.playbook)).body:
        if not isinstance(struct, ast.ClassDef):
            continue
        for field, after in zip(struct.body, struct.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                text = inspect.cleandoc(str(after.value.value))
                found[struct.name, field.target.id] = " ".join(text.split())
    return found
