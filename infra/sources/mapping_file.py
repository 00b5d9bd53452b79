"""Reads mappings from YAML; reports every mistake with line and column."""

import codecs
import re
from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
import yaml

from infra.playbook.playbook_file import Mistake, PlaybookError, loaded_yaml
from infra.playbook.positions import position_of
from infra.playbook.shape import LOST, Misshapen, shaped
from infra.playbook.time_zones import time_zones
from infra.settings import SECRET_PREFIX
from schemas.mapping import Mapping
from streams.mapping.compiling import CompiledMapping, compile_mapping
from streams.playbook.errors import RuleErrors
from streams.playbook.suggestions import choices

SHIPPED = Path(__file__).parent
"""The folder of the mappings that ship."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_COLUMN = re.compile(r"""(?<![\w.])item(?:\.([^\W\d]\w*)|\[\s*(?:"([^"\\]+)"|'([^'\\]+)')\s*\])""")
_NEEDS = "version, name, reads and events"


class MappingError(PlaybookError):
    """An invalid mapping: `mistakes` with line and column, as of a playbook."""


class MappingFile(msgspec.Struct, frozen=True):
    """A valid mapping with its text."""

    path: str
    text: str
    root: yaml.Node
    mapping: CompiledMapping

    def check_columns(
        self, columns: Sequence[str], ambiguous: Collection[str] = frozenset()
    ) -> None:
        """Raises `MappingError` where an expression uses a column that the file does not have, or
        has twice (`ambiguous`)."""
        mistakes = []
        for where, expression in self.mapping.expressions():
            for found in _COLUMN.finditer(expression.source):
                name = found[1] or found[2] or found[3]
                if name in ambiguous:
                    at = position_of(self.root, where, self.text, offset=found.start())
                    said = f"the file has two columns {name!r}; name them all in `columns`"
                    mistakes.append(Mistake(*at, said))
                elif name not in columns and not _asked_whether(name, expression.source):
                    at = position_of(self.root, where, self.text, offset=found.start())
                    said = f"the file has no column {name!r}; {choices(name, columns)}"
                    mistakes.append(Mistake(*at, said))
        if mistakes:
            raise MappingError(self.path, tuple(dict.fromkeys(sorted(mistakes))))


def read_mapping(
    path: Path, region: str = "", our_numbers: Collection[str] = (), **changes: str
) -> MappingFile:
    """The mapping in the file. `changes` override fields of it: zone, encoding, delimiter. Raises
    `MappingError`, also for a missing file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise MappingError(str(path), (Mistake(1, 1, f"cannot be read: {problem}"),)) from None
    return parse_mapping(text, str(path), region, our_numbers, **changes)


def parse_mapping(
    text: str, source: str, region: str = "", our_numbers: Collection[str] = (), **changes: str
) -> MappingFile:
    """The mapping in the text; `source` names it in errors. Raises `MappingError`."""
    try:
        root, document, mistakes = loaded_yaml(text, source, _NEEDS)
    except PlaybookError as problem:
        raise MappingError(source, problem.mistakes) from None
    wrong: list[Misshapen] = []
    kept = shaped(document, Mapping, wrong)
    mistakes += [
        Mistake(*position_of(root, one.where, text, key=one.unknown),
                one.message.replace("the playbook", "the mapping"))
        for one in wrong
    ]  # fmt: skip
    if kept is not LOST and not mistakes:
        mapping = msgspec.convert({**kept, **changes}, Mapping)
        if not _NAME.fullmatch(mapping.name):
            said = "a name is up to 50 small letters, digits and hyphens"
            mistakes.append(Mistake(*position_of(root, "name", text), said))
        signature = mapping.signature
        if signature is not None and not signature.secret.startswith(SECRET_PREFIX):
            said = f"names of secrets begin with {SECRET_PREFIX}"
            mistakes.append(Mistake(*position_of(root, "signature.secret", text), said))
        try:
            codecs.lookup(mapping.encoding)
        except LookupError:
            said = f"no encoding is called {mapping.encoding!r}; write utf-8 or cp949"
            mistakes.append(Mistake(*position_of(root, "encoding", text), said))
        try:
            compiled = compile_mapping(mapping, region, time_zones(), our_numbers)
            if not mistakes:
                return MappingFile(source, text, root, compiled)
        except RuleErrors as problems:
            mistakes += [
                Mistake(*position_of(root, error.where, text, offset=error.offset), error.message)
                for error in problems.errors
            ]
    raise MappingError(source, tuple(dict.fromkeys(sorted(mistakes))))


def read_mappings(
    folder: Path | None, region: str, our_numbers: Collection[str] = ()
) -> dict[str, MappingFile]:
    """Name -> mapping: the shipped ones, overridden by those in the folder. Raises
    `MappingError`."""
    paths = sorted(SHIPPED.glob("*.yaml"))
    if folder is not None:
        own = sorted(folder.glob("*.yaml"))
        if not own:
            said = "is no folder with mappings (*.yaml)"
            raise MappingError(str(folder), (Mistake(1, 1, said),))
        paths += own
    found = (read_mapping(path, region, our_numbers) for path in paths)
    return {one.mapping.source.name: one for one in found}


def _asked_whether(name: str, text: str) -> bool:
    """Whether the expression tests for the column with `has`."""
    return re.search(rf"has\(\s*item\.{re.escape(name)}\s*\)", text) is not None or (
        f'"{name}" in item' in text
    )
