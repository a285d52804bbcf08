"""What the demo tells: two companies, four accounts, and packages in every state of their life.

Everything goes through the services, with `now` in the past, in the order in which it happened.
"""

from datetime import datetime, timedelta
from uuid import NAMESPACE_URL, uuid5

from accounts.enums import EntityKind, Role
from accounts.models import Account, Application, Entity, User
from accounts.services.members import add_member
from accounts.services.tenants import open_account, register_entity
from billing.enums import Edition, TermUnit
from billing.orders.services import cancel_order
from billing.orders.trials import activate_application
from billing.refunds.quotes import RefundRefused
from compliance.enums import Direction, NumberSource, ReportSource, ViolationMeasure
from compliance.services.connections import Business, decide_connection, request_connection
from compliance.services.violations import (
    Report,
    report_violation,
    start_investigation,
    verify_violation,
)
from compliance.transitions import ConnectionAct
from config.demo import shop, waiting, work
from config.demo.cast import Cast

#: By this registration number a second load knows that the demo stands.
REGISTRATION = "DEMO-HARBOUR"


def is_told() -> bool:
    """Whether the demo stands already."""
    return Entity.objects.filter(registration_number=REGISTRATION).exists()


def _open(
    cast: Cast, entity: Entity, name: str, owner: str, roles: dict[str, Role], at: datetime
) -> Account:
    account = open_account(entity=entity, name=name, owner=cast.users[owner], by=None, now=at)
    for key, role in roles.items():
        add_member(account=account, user=cast.users[key], role=role, by=cast.users[owner], now=at)
    return account


_TEAM = {
    "felix.finance": Role.FINANCE,
    "maya.manager": Role.AGENT_MANAGER,
    "victor.viewer": Role.VIEWER,
}


def _approve_business(cast: Cast, application: Application, by: User, at: datetime) -> None:
    request = request_connection(
        account=application.account,
        application=application,
        entry=None,
        business=Business(
            description="Answering questions of our own customers about their orders.",
            direction=Direction.INBOUND,
            is_cold_calling=False,
            number_source=NumberSource.NONE,
            expected_volume=400,
        ),
        request_key=uuid5(NAMESPACE_URL, f"demo-connection-{application.sdkappid}"),
        by=by,
        now=at,
    )
    decide_connection(
        request=request,
        act=ConnectionAct.APPROVE,
        reason="Inbound service calls of the company's own customers.",
        by=cast.users["sam.staff"],
        now=at + timedelta(hours=3),
    )


def tell_harbour_retail(cast: Cast, entity: Entity, agents: int) -> Application:
    """An account at work: packages in service, one that ran out, and one bought yesterday."""
    owner, finance = cast.users["olivia.owner"], cast.users["felix.finance"]
    manager = cast.users["maya.manager"]
    account = _open(cast, entity, "Harbour Retail", "olivia.owner", _TEAM, cast.ago(60))
    # Enough for the first year of everyone, however many are asked for.
    cash = 60_000 + 1_000 * (max(14, agents) - 14)
    shop.credit(account, gift=150, income=250, cash=cash, at=cast.ago(59))
    sales = activate_application(account=account, name="Sales hotline", by=owner, now=cast.ago(59))
    shop.order_new(
        sales,
        Edition.PREMIUM,
        unit=TermUnit.YEAR,
        agents=max(9, agents - 2),
        sip=2,
        by=finance,
        at=cast.ago(50),
    )
    _approve_business(cast, sales, owner, cast.ago(50))
    shop.order_additional(sales, agents=3, by=finance, at=cast.ago(20))
    pilot = activate_application(account=account, name="Winter pilot", by=owner, now=cast.ago(36))
    package = shop.order_new(pilot, Edition.ESSENTIAL, by=finance, at=cast.ago(34))
    shop.staff_agents(pilot, cast.names(3, 4), by=manager, at=cast.ago(33))
    night = activate_application(account=account, name="Night line", by=owner, now=cast.ago(28))
    shop.order_new(night, Edition.ESSENTIAL, sip=1, by=finance, at=cast.ago(27))
    shop.staff_agents(night, cast.names(2, 5), by=manager, at=cast.ago(26))
    names = cast.names(max(14, agents), 1)
    shop.staff_agents(sales, names, by=manager, at=cast.ago(19), licensed=len(names) - 2)
    shop.order_upgrade(night, by=finance, at=cast.ago(10))
    shop.settle(pilot, at=package.expires_at)
    returns = activate_application(
        account=account, name="Returns desk", by=owner, now=cast.ago(1.5)
    )
    shop.order_new(returns, Edition.ESSENTIAL, agents=2, sip=1, by=finance, at=cast.ago(1))
    shop.staff_agents(returns, cast.names(4, 2), by=manager, at=cast.ago(0.9))
    return sales


def tell_harbour_logistics(cast: Cast, entity: Entity) -> Application:
    """An account on its trial, with an order too large for its balance and one canceled."""
    owner, finance = cast.users["olivia.owner"], cast.users["felix.finance"]
    account = _open(cast, entity, "Harbour Logistics", "olivia.owner", _TEAM, cast.ago(7))
    shop.credit(account, gift=20, cash=900, at=cast.ago(6))
    dispatch = activate_application(account=account, name="Dispatch", by=owner, now=cast.ago(6))
    shop.order_additional(dispatch, agents=2, by=finance, at=cast.ago(5))
    shop.staff_agents(dispatch, cast.names(4, 3), by=owner, at=cast.ago(5))
    cancelled = shop.order_additional(dispatch, agents=5_000, by=finance, at=cast.ago(0.6))
    cancel_order(order=cancelled, by=finance, now=cast.ago(0.5))
    shop.order_additional(dispatch, agents=200, by=finance, at=cast.ago(0.2))
    return dispatch


def tell_meridian_main(cast: Cast, entity: Entity) -> Application:
    """An account that gave one package back, and may not give back another."""
    owner = cast.users["mei.owner"]
    roles = {"felix.finance": Role.FINANCE}
    account = _open(cast, entity, "Meridian Travel", "mei.owner", roles, cast.ago(90))
    shop.credit(account, gift=100, income=80, cash=3_000, at=cast.ago(89))
    archive = activate_application(account=account, name="Fair 2025", by=owner, now=cast.ago(89))
    shop.order_new(archive, Edition.ESSENTIAL, by=owner, at=cast.ago(80))
    shop.staff_agents(archive, cast.names(3, 6), by=owner, at=cast.ago(79))
    shop.settle(archive, at=cast.ago(30))
    bookings = activate_application(account=account, name="Bookings", by=owner, now=cast.ago(12))
    package = shop.order_new(bookings, Edition.PREMIUM, agents=2, sip=1, by=owner, at=cast.ago(11))
    shop.staff_agents(bookings, cast.names(5, 7), by=owner, at=cast.ago(11))
    shop.order_refund(package, by=owner, at=cast.ago(9))
    support = activate_application(account=account, name="Support", by=owner, now=cast.ago(2.5))
    again = shop.order_new(support, Edition.ESSENTIAL, agents=1, by=owner, at=cast.ago(2))
    shop.staff_agents(support, cast.names(4, 8), by=owner, at=cast.ago(2))
    try:
        shop.order_refund(again, by=owner, at=cast.ago(1))
    except RefundRefused:
        # The company has used its one full refund: that is what this part tells.
        return support
    raise AssertionError("the second refund of one company was granted")


def tell_meridian_labs(cast: Cast, entity: Entity) -> None:
    """An account that was suspended for a Serious violation and can appeal."""
    owner, staff = cast.users["mei.owner"], cast.users["sam.staff"]
    account = _open(cast, entity, "Meridian Labs", "mei.owner", {}, cast.ago(40))
    shop.credit(account, cash=800, at=cast.ago(39))
    outbound = activate_application(account=account, name="Outreach", by=owner, now=cast.ago(39))
    shop.order_new(outbound, Edition.ESSENTIAL, count=3, by=owner, at=cast.ago(35))
    shop.staff_agents(outbound, cast.names(3, 9), by=owner, at=cast.ago(34))
    case = report_violation(
        account=account,
        application=outbound,
        behaviour_number=2,
        report=Report(
            source=ReportSource.CUSTOMER_COMPLAINT,
            summary="A called party complains of repeated calls after asking for them to stop.",
            occurred_at=cast.ago(6),
            complaint_number="C-2041",
            called_number="+8613800000000",
        ),
        request_key=uuid5(NAMESPACE_URL, f"demo-violation-{account.uin}"),
        by=staff,
        now=cast.ago(5),
    )
    case = start_investigation(violation=case, by=staff, now=cast.ago(4))
    case = verify_violation(
        violation=case,
        finding="Nine calls to the same number on two days, seven of them after a clear no.",
        by=staff,
        now=cast.ago(3),
    )
    shop.by_two(
        "violation.measure",
        account=account,
        target=case,
        payload={
            "measure": ViolationMeasure.SUSPEND,
            "consequences": "",
            "is_legal_follow_up": False,
        },
        reason="Verified harassment; service is suspended until the cause is removed.",
        first=staff,
        second=cast.users["sue.staff"],
        at=cast.ago(2),
    )


def tell(cast: Cast, *, agents: int) -> None:
    """Tell it all. `agents` is how many people the largest application has, at least 14."""
    at = cast.ago(90)
    harbour = register_entity(
        name="Harbour Lights Trading Ltd",
        kind=EntityKind.ENTERPRISE,
        registration_number=REGISTRATION,
        by=None,
        now=at,
    )
    meridian = register_entity(
        name="Meridian Journeys Ltd",
        kind=EntityKind.ENTERPRISE,
        registration_number="DEMO-MERIDIAN",
        by=None,
        now=at,
    )
    sales = tell_harbour_retail(cast, harbour, agents)
    dispatch = tell_harbour_logistics(cast, harbour)
    support = tell_meridian_main(cast, meridian)
    tell_meridian_labs(cast, meridian)
    waiting.set_up_the_floor(cast, sales)
    waiting.offer(cast, sales)
    work.import_temporary_staff(cast, sales.account.applications.get(name="Night line"))
    waiting.leave_undone(cast, sales=sales, dispatch=dispatch, support=support)


def tell_more(cast: Cast, *, accounts: int) -> None:
    """Add plain accounts of their own companies, each with one package and three agents."""
    owner = cast.users["olivia.owner"]
    for number in range(1, accounts + 1):
        at = cast.ago(1 + (number * 7) % 25)
        entity = register_entity(
            name=f"Example Company {number}",
            kind=EntityKind.ENTERPRISE,
            registration_number=f"DEMO-{number:06d}",
            by=None,
            now=at,
        )
        account = open_account(entity=entity, name=entity.name, owner=owner, by=None, now=at)
        shop.credit(account, cash=500, at=at)
        application = activate_application(account=account, name="Service", by=owner, now=at)
        shop.order_new(application, Edition.ESSENTIAL, by=owner, at=at)
        shop.staff_agents(application, cast.names(3, 100 + number), by=owner, at=at)
