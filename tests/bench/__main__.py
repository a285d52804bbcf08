"""Measure everything that has a goal, each beside a reference in the same run; `make bench`.

Prints a table, leaves all figures in `bench-results.json`, and exits 1 where a goal is missed.
`ARGS="sweep"` picks parts, `ARGS="--packages 100000"` sizes the sweep.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from tests.bench import (  # noqa: E402
    acts,
    admin_lists,
    agents_page,
    fairness,
    holding,
    jobs,
    money_pages,
    sweep,
    trade,
    verify,
    walls,
)

RESULTS = Path(__file__).resolve().parents[2] / "bench-results.json"
Part = tuple[list[dict[str, Any]], list[str]]


def measure_sweep(options: argparse.Namespace) -> Part:
    """The expiry sweep beside one plain SQL statement, 5 % and 100 % due, and as rows grow."""
    figures = [
        figure
        for percent in (5, 100)
        for figure in sweep.measure(
            packages=options.packages, percent=percent, rounds=options.rounds
        )
    ]
    smaller = [
        figure
        for packages in (options.packages // 100, options.packages // 10)
        for figure in sweep.measure(packages=packages, percent=100, rounds=options.rounds)
    ]
    missed = sweep.goals_missed(figures) + sweep.growth_missed([*smaller, *figures])
    return [asdict(figure) for figure in [*smaller, *figures]], missed


def measure_agents(options: argparse.Namespace) -> Part:
    """The Agent Management page with 100,000 agents beside 100, and beside the admin's list."""
    figures = agents_page.measure()
    shown = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    return shown, agents_page.goals_missed(figures)


def measure_admin(options: argparse.Namespace) -> Part:
    """The administration's lists with 1,000,000 rows beside 10,000."""
    figures = admin_lists.measure(rows=options.admin_rows, few=options.admin_few)
    shown = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    return shown, admin_lists.goals_missed(figures)


def measure_money(options: argparse.Namespace) -> Part:
    """Orders, statement and purchase beside an empty view and Django's own list, as rows grow."""
    figures = money_pages.measure(tuple(options.money_rows))
    shown = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    return shown, money_pages.goals_missed(figures)


def measure_pages(options: argparse.Namespace) -> Part:
    """Every page beside an empty view; no goals, the figures are to be looked at."""
    call_command("bench", output=RESULTS)
    return json.loads(RESULTS.read_text())["pages"], []


def measure_trade(options: argparse.Namespace) -> Part:
    """Purchases and refunds beside the same statements sent by the bare driver."""
    figures = trade.measure(transactions=options.transactions, rounds=options.rounds)
    return [asdict(figure) for figure in figures], trade.goals_missed(figures)


def measure_fairness(options: argparse.Namespace) -> Part:
    """Other tenants' requests while one tenant's row is locked, beside those before."""
    figures = fairness.measure()
    shown = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    return shown, fairness.goals_missed(figures)


def measure_holding(options: argparse.Namespace) -> Part:
    """How long acts on 10,000 agents and licenses hold their account's row."""
    figures = holding.measure()
    return [asdict(figure) for figure in figures], holding.goals_missed(figures)


def measure_acts(options: argparse.Namespace) -> Part:
    """Acts on 100,000 agents: the answer to the click, and the work in the background."""
    figures = acts.measure(agents=options.acted_on)
    return [asdict(figure) for figure in figures], acts.goals_missed(figures)


def measure_jobs(options: argparse.Namespace) -> Part:
    """Emails sent by workers and the command, now and before, beside no work; no goals."""
    return [asdict(figure) for figure in jobs.measure(options.mails)], []


def measure_verify(options: argparse.Namespace) -> Part:
    """Each check of `verify_ledger` beside one read of its tables."""
    figures = verify.measure(orders=options.verify_orders)
    shown = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    return shown, verify.goals_missed(figures)


def measure_walls(options: argparse.Namespace) -> Part:
    """Purchases, refunds and the agents' page with row-level security and without."""
    figures = walls.measure(transactions=options.transactions)
    shown = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
    return shown, walls.goals_missed(figures)


PARTS: dict[str, Callable[[argparse.Namespace], Part]] = {
    "pages": measure_pages,
    "sweep": measure_sweep,
    "agents": measure_agents,
    "money": measure_money,
    "admin": measure_admin,
    "trade": measure_trade,
    "fairness": measure_fairness,
    "holding": measure_holding,
    "acts": measure_acts,
    "jobs": measure_jobs,
    "verify": measure_verify,
    "walls": measure_walls,
}


def show(name: str, rows: list[dict[str, Any]]) -> None:
    """Print one part as a table."""
    say(f"\n{name}")
    for row in rows:
        cells = (
            f"{key} {value:.2f}" if isinstance(value, float) else f"{key} {value}"
            for key, value in row.items()
        )
        say("  " + "  ".join(cells))


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{text}\n")


def main() -> int:
    """Measure the parts that are asked for; return the exit status."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="by default all")
    parser.add_argument("--packages", type=int, default=1_000_000, help="rows of the sweep")
    parser.add_argument("--admin-rows", type=int, default=1_000_000, help="rows of each list")
    parser.add_argument("--admin-few", type=int, default=10_000, help="rows to compare with")
    parser.add_argument(
        "--money-rows", type=int, nargs="+", default=money_pages.SIZES, help="orders in all"
    )
    parser.add_argument("--verify-orders", type=int, default=1_000_000, help="orders verified")
    parser.add_argument("--acted-on", type=int, default=100_000, help="agents of one act")
    parser.add_argument("--mails", type=int, default=2000, help="emails sent in each way")
    parser.add_argument("--transactions", type=int, default=1000, help="purchases, and refunds")
    parser.add_argument(
        "--rounds", type=int, default=5, help="runs of sweep and trade, for the median"
    )
    options = parser.parse_args()
    results: dict[str, Any] = {}
    missed: list[str] = []
    for name in options.parts or PARTS:
        rows, problems = PARTS[name](options)
        results[name] = rows
        missed += problems
        if name != "pages":
            show(name, rows)
    results["missed"] = missed
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    for problem in missed:
        say(f"goal missed: {problem}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
