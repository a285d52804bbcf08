"""Makes customers and what they own, through the services, at a time of the test's choosing.

Every function takes `now`; what it leaves out gets a name or number of its own. Reading the
result tells what a customer would find.
"""

from tests.factories.agents import make_agent, make_telephone
from tests.factories.orders import (
    add,
    buy,
    current_package,
    licenses_of,
    make_coupon,
    make_package,
    make_promotion,
    place,
    renew,
    upgrade,
)
from tests.factories.tenants import (
    NOW,
    PASSWORD,
    Customer,
    balances,
    fund_account,
    make_account,
    make_application,
    make_customer,
    make_entity,
    make_member,
    make_user,
    restrict,
)

__all__ = [
    "NOW",
    "PASSWORD",
    "Customer",
    "add",
    "balances",
    "buy",
    "current_package",
    "fund_account",
    "licenses_of",
    "make_account",
    "make_agent",
    "make_application",
    "make_coupon",
    "make_customer",
    "make_entity",
    "make_member",
    "make_package",
    "make_promotion",
    "make_telephone",
    "make_user",
    "place",
    "renew",
    "restrict",
    "upgrade",
]
