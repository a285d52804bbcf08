"""What two hosts have to do under load: mail, files of agents, and an act on many of them.

For a rig that runs: what is begun here is done by its workers and its web processes.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.jobs import SEND_NEWS
from accounts.services.notifications import News, notify_members
from agents.models import Agent, AgentAct, AgentImport
from agents.services.acts import CARRY_ON, begin_act
from agents.services.imports import CARRY_ON as IMPORT
from tests import factories as make
from tests.config.rig import Rig
from tests.config.visitors import Visitor
from tests.tiers import sample

MAILS = sample(100, 10_000)
FILES = sample(1, 20)
ROWS = sample(1_200, 10_000)
ACTED_ON = sample(1_500, 20_000)
IMPORTERS = 4
#: How long everything may take, in seconds.
PATIENCE = sample(240, 1_200)


def tell() -> None:
    account = make.make_account()
    for _hundred in range(0, MAILS, 100):
        with transaction.atomic():
            news = [News(account, "role_changed", {"role": "viewer"}) for _ in range(100)]
            notify_members(news, now=timezone.now())


def fill(customer: make.Customer, count: int, start: int = 0) -> None:
    now = timezone.now()
    place = {"account": customer.account, "application": customer.application}
    Agent.objects.bulk_create(
        Agent(
            **place,
            **dict.fromkeys(("name", "nickname", "staff_number"), f"A{number}"),
            email=f"a{number}@example.com",
            created_at=now,
            updated_at=now,
        )
        for number in range(start, start + count)
    )


def disable_all(customer: make.Customer) -> None:
    begin_act(
        application=customer.application,
        name="disable",
        options={},
        chosen=Agent.objects.filter(application=customer.application),
        by=customer.owner,
        now=timezone.now(),
    )


def file_of(number: int) -> bytes:
    rows = (
        f"Agent {number}-{row},F{number}R{row},f{number}r{row}@example.com" for row in range(ROWS)
    )
    return "\n".join(["name,staff number,email", *rows]).encode()


def place_of(customer: make.Customer, **more: Any) -> dict[str, Any]:
    application = customer.application
    return {"uin": customer.account.uin, "sdkappid": application.sdkappid, **more}


def import_file(visitor: Visitor, customer: make.Customer, number: int) -> None:
    """Send a file as a person does, watch its page, and press its button."""
    url = reverse("agents:import", kwargs=place_of(customer))
    status, page = visitor.send_file(url, file_of(number), mode="add")
    assert status in {200, 302}, (status, page)
    key = AgentImport.objects.filter(application=customer.application).latest("pk").pk
    until = time.monotonic() + PATIENCE
    while (state := AgentImport.objects.values_list("status", flat=True).get(pk=key)) != "done":
        assert time.monotonic() < until, state
        asked = "agents:import_run" if state == "checked" else "agents:import_progress"
        status = visitor.click(reverse(asked, kwargs=place_of(customer, pk=key)), {})
        assert status in {200, 204, 302}, (state, status)
        time.sleep(1)


def senders(
    rig: Rig, customers: list[make.Customer], imported: list[int]
) -> list[threading.Thread]:
    """Threads that send all files, those of each customer one after the other."""

    def work(place: int) -> None:
        visitor = Visitor(rig.proxy, customers[place].owner)
        visitor.headers["HX-Request"] = "true"
        for number in range(place, FILES, len(customers)):
            import_file(visitor, customers[place], number)
            imported.append(number)
        connections.close_all()

    return [threading.Thread(target=work, args=[place]) for place in range(len(customers))]


@dataclass(frozen=True)
class Kind:
    """A kind of job under this load: how it begins, what stops it halfway, and whether it did."""

    task: str
    begin: Callable[[], None]
    hold: Callable[[], object]
    is_halfway: Callable[[], bool]


def start_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()


def load_of(
    rig: Rig, customers: list[make.Customer], threads: list[threading.Thread]
) -> list[Kind]:
    """Return the kinds; the first customer's agents are acted on, the others send files."""
    acted_on, importers = customers[0], customers[1:]
    own = Agent.objects.filter(application=acted_on.application).order_by("pk")
    half = own.values_list("pk", flat=True)[ACTED_ON // 2]
    return [
        Kind(SEND_NEWS, tell, lambda: None, lambda: True),
        Kind(
            CARRY_ON,
            lambda: disable_all(acted_on),
            lambda: own.select_for_update(of=("self",), no_key=True).get(pk=half),
            lambda: AgentAct.objects.filter(done__gt=0).exists(),
        ),
        Kind(
            IMPORT,
            lambda: start_all(threads),
            # No one sees it, but the row of the file waits whether it stays.
            lambda: make.make_agent(
                importers[0].application, staff_number=f"F0R{ROWS // 2}", email="nobody@example.com"
            ),
            lambda: AgentImport.objects.filter(
                application=importers[0].application, written__gt=0
            ).exists(),
        ),
    ]
