"""What the demo leaves undone, so that customers and staff find work to try on both sides."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from accounts.enums import Role
from accounts.models import Application
from accounts.services.invitations import invite_member
from agents.models import Agent
from agents.services.groups import add_group
from agents.services.telephones import bind_telephone, register_telephone
from billing.enums import CouponKind, FundKind, OrderKind, TermUnit
from billing.grants.credits import record_credit
from billing.models import Package
from billing.orders.request import OrderRequest, RenewedPackage
from compliance.enums import Direction, NumberSource, ReportSource
from compliance.services.connections import Business, request_connection
from compliance.services.violations import Report, report_violation
from config.demo import shop
from config.demo.cast import Cast


def set_up_the_floor(cast: Cast, application: Application) -> None:
    """Skill groups and SIP telephones, one of them bound to someone who has a license."""
    manager = cast.users["maya.manager"]
    for name in ("Orders", "Complaints", "Evenings"):
        add_group(application=application, name=name, by=manager, now=cast.ago(18))
    desks = [
        register_telephone(
            application=application, label=label, extension=extension, by=manager, now=cast.ago(18)
        )[0]
        for label, extension in (("Front desk", "8001"), ("Meeting room", "8002"))
    ]
    holder = Agent.objects.filter(application=application, license__isnull=False).earliest("pk")
    bind_telephone(telephone=desks[0], agent=holder, by=manager, now=cast.ago(17))


def offer(cast: Cast, application: Application) -> None:
    """A coupon of each kind, and a promotion for who pays by the year."""
    account = application.account
    staff: dict[str, Any] = {"first": cast.users["sam.staff"], "second": cast.users["sue.staff"]}
    until = cast.now + timedelta(days=60)
    terms = {"currency": "USD", "starts_at": cast.ago(10), "ends_at": until}
    amounts = {
        CouponKind.VOUCHER: {"amount": Decimal(60)},
        CouponKind.CASH: {"amount": Decimal(25), "minimum_spend": Decimal(200)},
        CouponKind.DISCOUNT: {"percent_off": Decimal(10)},
    }
    for kind, amount in amounts.items():
        code = f"HARBOUR-{kind.upper()}"
        shop.by_two(
            "coupon.give",
            account=account,
            payload={"code": code, "kind": kind, **terms, **amount},
            reason="A welcome to a new customer",
            at=cast.ago(10),
            **staff,
        )
    shop.by_two(
        "promotion.define",
        payload={
            "code": "by-the-year",
            "name": "A year in advance",
            "terms": "5 percent off packages that are bought by the year.",
            "percent_off": Decimal(5),
            "term_units": [TermUnit.YEAR],
            "order_kinds": [OrderKind.NEW],
            "starts_at": cast.ago(10),
            "ends_at": until,
        },
        reason="The offer of the season",
        at=cast.ago(10),
        **staff,
    )


def leave_undone(
    cast: Cast, *, sales: Application, dispatch: Application, support: Application
) -> None:
    """An invitation, a payment to agree to, and for staff a credit, a request and a complaint."""
    owner, mei, staff = (cast.users[key] for key in ("olivia.owner", "mei.owner", "sam.staff"))
    retail = sales.account
    invite_member(
        account=retail,
        email="nora.new@example.com",
        role=Role.VIEWER,
        by=owner,
        now=cast.ago(0.3),
    )
    package = Package.objects.current().get(application=support)
    renewal = OrderRequest(
        kind=OrderKind.RENEWAL, renewed=(RenewedPackage(package=package.pk),), payer=retail.uin
    )
    shop.place(support.account, renewal, by=mei, at=cast.ago(0.1))
    record_credit(
        account=retail,
        fund_kind=FundKind.CASH,
        amount=Decimal(25_000),
        currency="USD",
        reference="DEMO-TRANSFER-7731",
        note="Bank transfer for the coming year",
        by=staff,
        now=cast.ago(0.4),
    )
    request_connection(
        account=dispatch.account,
        application=dispatch,
        entry=None,
        business=Business(
            description="Telling customers when their parcel arrives, and asking who is at home.",
            direction=Direction.OUTBOUND,
            is_cold_calling=False,
            number_source=NumberSource.CUSTOMERS,
            number_source_detail="Given with each order.",
            consent_proof="A tick box at checkout, with its time.",
            expected_volume=300,
        ),
        request_key=uuid5(NAMESPACE_URL, f"demo-waiting-{dispatch.sdkappid}"),
        by=owner,
        now=cast.ago(0.5),
    )
    report_violation(
        account=support.account,
        application=support,
        behaviour_number=5,
        report=Report(
            source=ReportSource.CUSTOMER_COMPLAINT,
            summary="A called party says that the caller would not name the company.",
            occurred_at=cast.ago(1),
            complaint_number="C-2107",
        ),
        request_key=uuid5(NAMESPACE_URL, f"demo-complaint-{support.account.uin}"),
        by=staff,
        now=cast.ago(0.2),
    )
