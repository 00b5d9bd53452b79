"""`daehwa campaigns [NAME]`: effects of campaigns."""

import json
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.cli.asking import ask
from infra.cli.printing import plain_console
from streams.campaigns.uplift import MIN_RELATIVE, Estimate, Uplift
from streams.campaigns.uplift_in_words import percent, points

_COLOURS = {"works": "green", "harms": "red", "no effect shown": "yellow", "too early": "dim"}


def campaigns(
    name: Annotated[str | None, typer.Argument(help="Only this one.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Customers first exposed then or later: 2026-03-01.")
    ] = None,
    looks: Annotated[
        str, typer.Option(help="any: look as often as you like; one: this look is the planned one.")
    ] = "any",
    least: Annotated[
        float, typer.Option(help="Smallest effect worth finding, as a share of the held-out rate.")
    ] = MIN_RELATIVE,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON.")] = False,
) -> None:
    """Show the effect of campaigns, every figure with its interval.

    Needs DAEHWA_URL and DAEHWA_API_TOKEN. Example: daehwa campaigns spring --since 2026-03-01
    """
    query: dict[str, Any] = {"looks": looks, "least": least}
    if since is not None:
        query["since"] = since
    path = "/v1/campaigns" if name is None else f"/v1/campaigns/{quote(name, safe='')}"
    answer = ask(f"{path}?{urlencode(query)}")
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
        return
    console = plain_console()
    found = [answer] if name is not None else answer["campaigns"]
    table = Table("campaign", "", "customers", "converted", "rate, %", "pending")
    for campaign in found:
        _add(table, campaign)
    console.print(table)
    for campaign in found:
        _explain(console, campaign)
    for gone in answer.get("not_in_playbook", ()):
        console.print(f"{gone}: has exposures, but the playbook does not define it")
    if not found:
        console.print("the playbook has no campaigns")


def _add(table: Table, campaign: dict[str, Any]) -> None:
    effect = campaign["effect"]
    for arm, title in (("treated", "treated"), ("held_out", "held out")):
        share = effect[f"{arm}_rate"]
        table.add_row(
            campaign["name"] if arm == "treated" else "",
            title,
            f"{effect[arm]['customers']:,}",
            f"{effect[arm]['conversions']:,}",
            "" if share is None else percent(msgspec.convert(share, Estimate)),
            f"{campaign['pending'][arm]:,}",
            end_section=arm == "held_out",
        )


def _explain(console: Console, campaign: dict[str, Any]) -> None:
    effect = msgspec.convert(campaign["effect"], Uplift)
    line = Text.assemble((campaign["name"], "bold"), " ")
    line.append(campaign["in_words"], _COLOURS.get(effect.verdict, ""))
    console.print(line)
    lines = []
    if effect.looks == "any" and effect.uplift is not None:
        said = f"had this been the one look planned: {points(effect.uplift)} points"
        lines.append(f"{said}, p = {effect.p_value:.3f}")
    if effect.relative is not None:
        lines.append(f"relative to the held out: {points(effect.relative)} %")
    for currency, spend in campaign["spend"].items():
        more = msgspec.convert(spend, Estimate)
        limits = f"({more.low:+.2f} to {more.high:+.2f})"
        lines.append(f"spent more on average: {more.value:+.2f} {limits} {currency}")
    for more_said in lines:
        console.print(Text(f"  {more_said}"))
