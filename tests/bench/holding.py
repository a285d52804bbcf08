"""How long services hold an account's row at their largest: acts on 10,000 agents and licenses.

Other acts of the same account wait meanwhile. Each act runs on what the one before it left.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Application, User
from agents.enums import AgentRole, ImportMode
from agents.listing import agents_of
from agents.models import SkillGroup
from agents.services import agents as agent_services
from agents.services import licenses as license_services
from agents.services.changes import AgentChange, change_agents
from agents.services.groups import add_group
from agents.services.import_turns import run_import
from agents.services.imports import check_import, send_import
from billing.enums import Edition
from billing.models import Package
from billing.packages.services import choose_renewal_mode
from billing.refunds.quotes import quote_refund
from billing.refunds.services import refund_package
from billing.renewals.auto_renewal import due_renewals, renew_automatically
from tests import factories as make
from tests.bench import databases

#: The goal: no one waits longer than this for an account, in seconds.
GOAL = 1.0


@dataclass(frozen=True)
class HoldingFigure:
    """Seconds that an act took in all, and that one transaction had the account locked."""

    act: str
    seconds: float
    held: float


@contextmanager
def _held() -> Iterator[list[float]]:
    """Note for how long each transaction meanwhile had an account locked."""
    seconds: list[float] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        done = execute(sql, params, many, context)
        if '"accounts_account"' in sql and "FOR NO KEY UPDATE" in sql:
            began = time.perf_counter()
            transaction.on_commit(lambda: seconds.append(time.perf_counter() - began))
        return done

    with connection.execute_wrapper(note):
        yield seconds


def _time(name: str, act: Callable[[], object]) -> HoldingFigure:
    started = time.perf_counter()
    with _held() as seconds:
        act()
    return HoldingFigure(name, time.perf_counter() - started, max(seconds))


def _file(rows: int, name: str) -> bytes:
    lines = [
        f"{name} {number},Nick {number},S{number},a{number}@example.com,+861380013{number:05},yes"
        for number in range(rows)
    ]
    return "\n".join(["Name,Nickname,Staff number,Email,Phone,License", *lines]).encode()


class _Acts:
    """The acts in order, on one application with as many agents as an import may bring."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.now = timezone.now()
        customer = make.make_customer(cash="9000000", now=self.now)
        self.application: Application = customer.application
        self.by: User = customer.owner
        self.who: dict[str, Any] = {"by": self.by, "now": self.now}

    def run(self) -> Iterator[HoldingFigure]:
        """Yield what each act took."""
        yield _time("buy 10,000 licenses", lambda: self._buy())
        yield from self._import("import 10,000 new", ImportMode.ADD, "Agent")
        yield from self._import("import 10,000 changed", ImportMode.UPDATE, "Person")
        yield from self._agents()
        yield from self._packages()

    def _buy(self) -> None:
        make.buy(
            self.application, Edition.ESSENTIAL, agents=self.rows - 10, by=self.by, now=self.now
        )

    def _import(self, name: str, mode: ImportMode, word: str) -> Iterator[HoldingFigure]:
        imported = send_import(
            application=self.application,
            file_name="agents.csv",
            content=_file(self.rows - 10, word),
            mode=mode,
            **self.who,
        )
        check_import(imported=imported, now=self.now)
        assert not imported.problems, imported.problems[:3]
        yield _time(name, lambda: run_import(imported=imported, **self.who))

    def _agents(self) -> Iterator[HoldingFigure]:
        group: SkillGroup = add_group(application=self.application, name="Group", **self.who)
        chosen = agents_of(self.application.account_id, self.application.pk)
        change = AgentChange(role=AgentRole.INSPECTOR, joins=frozenset({group.pk}))
        of = {"application": self.application, "chosen": chosen, **self.who}
        for name, act in (
            ("change role and group", lambda: change_agents(change=change, **of)),
            ("disable", lambda: agent_services.disable_agents(frees_licenses=True, **of)),
            ("enable", lambda: agent_services.enable_agents(**of)),
            ("free licenses", lambda: license_services.free_licenses_of(**of)),
            ("assign licenses", lambda: license_services.assign_licenses(**of)),
        ):
            yield _time(name, act)

    def _packages(self) -> Iterator[HoldingFigure]:
        package: Package = make.current_package(self.application)
        yield _time("upgrade", lambda: self._upgrade())
        choose_renewal_mode(package=package, mode="automatic", **self.who)
        later = package.expires_at - timedelta(hours=1)
        assert due_renewals(later).exists()
        yield _time(
            "renew automatically", lambda: renew_automatically(package_id=package.pk, now=later)
        )
        package.refresh_from_db()
        ending = tuple(
            package.licenses.filter(order_line__isnull=False).values_list("pk", flat=True)
        )
        yield _time("renew and end 9,000", lambda: self._renew(package, ending[:9_000]))
        token = quote_refund(package=package, now=self.now).token
        yield _time("refund", lambda: refund_package(package=package, token=token, **self.who))
        chosen = agents_of(self.application.account_id, self.application.pk)
        yield _time(
            "delete 10,000 agents",
            lambda: agent_services.delete_agents(
                application=self.application, chosen=chosen, **self.who
            ),
        )

    def _upgrade(self) -> None:
        make.upgrade(self.application, by=self.by, now=self.now)

    def _renew(self, package: Package, ending: tuple[int, ...]) -> None:
        make.renew(package, ending=ending, by=self.by, now=self.now)


def measure(*, rows: int = 10_000) -> list[HoldingFigure]:
    """Measure all acts on `rows` agents."""
    settings.REFUND_REVIEW_ASKS = 100
    with databases.migrated("bench_holding"), databases.using("bench_holding"):
        acts = _Acts(rows)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return list(acts.run())


def goals_missed(figures: list[HoldingFigure]) -> list[str]:
    """Return the acts that hold the account for too long."""
    return [
        f"holding, {figure.act}: the account is held for {figure.held:.1f} s, the goal is {GOAL} s"
        for figure in figures
        if figure.held > GOAL
    ]
