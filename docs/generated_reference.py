"""Reference pages made from the code when the site is built: settings, metrics, commands, triggers.

A hook of mkdocs. The pages cannot disagree with the code, because they are written nowhere else.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from prometheus_client import Counter, Gauge, Histogram
from pydantic import SecretStr
from typer import Typer
from typer.testing import CliRunner

from infra import metrics
from infra.cli import COMMANDS, app
from infra.settings import Settings
from streams.triggers.registry import KINDS


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages."""
    for name, text in (
        ("settings", settings_page()),
        ("metrics", metrics_page()),
        ("command-line", commands_page()),
        ("trigger-types", triggers_page()),
    ):
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def settings_page() -> str:
    """Every field of `infra.settings.Settings`."""
    rows = []
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default is None or isinstance(default, SecretStr) else str(default)
        rows.append(f"| `DAEHWA_{name.upper()}` | `{shown or ' '}` | {_cell(field.description)} |")
    return _page(
        "Settings",
        "Read once from the environment. `daehwa` refuses a wrong one with a sentence. "
        "[Production](../how-to/production.md) says which ones to set there.",
        ["| variable | default | meaning |", "|---|---|---|", *rows],
    )


def metrics_page() -> str:
    """Every metric of `infra.metrics`."""
    rows = []
    for one in vars(metrics).values():
        if isinstance(one, Counter | Gauge | Histogram):
            labels, meaning = ", ".join(one._labelnames), _cell(one._documentation)
            rows.append(f"| `{one._name}` | {one._type} | {labels} | {meaning} |")
    head = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    return _page("Metrics", "In the text format of Prometheus.", [*head, *rows])


def triggers_page() -> str:
    """Every trigger type of `streams.triggers.registry`."""
    rows = []
    for kind in KINDS.values():
        fields = ", ".join(f"`{name}`" for name in sorted(kind.fields))
        needed = ", ".join(f"`{name}`" for name in kind.required)
        staff = "yes" if kind.tells_staff else ""
        rows.append(f"| `{kind.name}` | {kind.label} | {fields} | {needed} | {staff} |")
    head = [
        "| type | in words | own fields | needed | staff hears of blocked customers |",
        "|---|---|---|---|---|",
    ]
    return _page("Trigger types", "What `when` of a trigger may be.", [*head, *rows])


def commands_page() -> str:
    """Every command, as `--help` has it."""
    lines = []
    for path in _paths():
        shown = CliRunner(env={"COLUMNS": "96", "NO_COLOR": "1", "TERM": "dumb"}).invoke(
            app, [*path, "--help"], prog_name="daehwa"
        )
        lines += [f"## `daehwa {' '.join(path)}`", "", "```text", shown.output.strip(), "```", ""]
    return _page("Command line", "Every command has `--help` with an example.", lines)


def _paths() -> Iterator[tuple[str, ...]]:
    """The words of each command."""
    for name, where in sorted(COMMANDS.items()):
        module, attribute = where.split(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, Typer):
            for inner in found.registered_commands:
                function = inner.callback
                yield name, inner.name or (function.__name__ if function else "")
        else:
            yield (name,)


def _page(title: str, intro: str, lines: list[str]) -> str:
    return "\n".join([f"# {title}", "", intro, "", *lines, ""])


def _cell(text: Any) -> str:
    return str(text or "").replace("|", "\\|").replace("\n", " ")
