"""Alert rules and the Operations board ask for metrics that there are."""

import re
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

import infra.metrics
from infra.grafana.boards.operations import OPERATIONS
from infra.grafana.panel import MetricPanel
from tests.harness.paths import ROOT

RULES: list[dict[str, Any]] = yaml.safe_load(
    (ROOT / "infra" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
)["groups"][0]["rules"]
EXPRESSIONS = {
    **{rule["alert"]: rule["expr"] for rule in RULES},
    **{panel.title: panel.expr for panel in OPERATIONS.panels if isinstance(panel, MetricPanel)},
}
LABELS_OF_PROMETHEUS = {"job", "instance", "le"}


def metrics() -> dict[str, set[str]]:
    """Name as it is scraped -> its labels."""
    assert infra.metrics
    found: dict[str, set[str]] = {}
    # The clients' own list of collectors: a metric with labels has no sample before its first use.
    for collector, names in REGISTRY._collector_to_names.items():
        labels = set(getattr(collector, "_labelnames", ()))
        found |= dict.fromkeys(names, labels)
    return found


@pytest.mark.parametrize("title", EXPRESSIONS)
def test_an_expression_asks_for_metrics_that_there_are(title: str) -> None:
    expression = EXPRESSIONS[title]
    known = metrics()
    asked = re.findall(r"daehwa_\w+", expression)
    assert asked or expression.startswith("up ")
    assert set(asked) <= known.keys()
    if asked:
        labels = set().union(*(known[name] for name in asked)) | LABELS_OF_PROMETHEUS
        for by in re.findall(r"by \(([^)]*)\)", expression):
            assert set(by.split(", ")) <= labels


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert notes["summary"]
    assert rule["labels"]["severity"] in ("page", "ticket")
    for path, anchor in re.findall(r"(docs/[\w/-]+\.md)(?:#([\w-]+))?", notes["runbook"]):
        text = (ROOT / path).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}
        assert not anchor or anchor in anchors
