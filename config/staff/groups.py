"""The groups of staff and what each may do: the one table, put into the database by migration.

Rights are Django's own (`app.codename`). Anyone who may act on a table may read it, and what is
needed to decide. No one may change money or history: no page offers it, whatever the right.
"""

from typing import Any

from django.contrib.auth.management import create_permissions
from django.utils.translation import gettext_noop


def _view(app: str, *models: str) -> frozenset[str]:
    return frozenset(f"{app}.view_{model}" for model in models)


#: Who a thing concerns, and what happened to it.
_WHO = _view(
    "accounts",
    *("account", "application", "auditevent", "entity", "invitation", "job", "membership"),
    *("notification", "outgoingmail", "pendingaccount", "proposal", "restriction", "user"),
)
_SEATS = _view("agents", "agent", "agentimport", "siptelephone", "skillgroup", "skillgroupmember")
_MONEY = _view(
    "billing",
    *("coupon", "credit", "expiryreminder", "fund", "ledgerentry", "ledgertransaction"),
    *("license", "order", "orderline", "package", "payment", "refund", "refundhold"),
    *("refundline", "sweeprun", "trialgrant"),
)
_CATALOG = _view("billing", "feature", "featuretable", "pricebook", "priceitem", "promotion")
_CASES = _view(
    "compliance",
    *("appeal", "behaviour", "connectionrequest", "evidence", "flagword", "industry"),
    *("rulebook", "screeningentry", "violation", "violationevent"),
)

#: By name: keys in the database, which people read translated.
GROUPS: dict[str, frozenset[str]] = {
    # Answers customers, and sees all that they and other staff did; changes nothing. Hands people
    # out what is stored about them.
    gettext_noop("Support"): _WHO | _SEATS | _MONEY | _CATALOG | _CASES | {"accounts.export_user"},
    # Records transfers and the second person's word on them; coupons, promotions, lost time.
    gettext_noop("Billing operations"): _WHO
    | _MONEY
    | _CATALOG
    | {
        "billing.add_coupon",
        "billing.add_credit",
        "billing.add_promotion",
        "billing.change_coupon",
        "billing.change_package",
        "billing.change_promotion",
        "billing.decide_credit",
    },
    # Decides on refunds that the rules leave to a person, and holds those under suspicion.
    gettext_noop("Refund review"): _WHO
    | _MONEY
    | _CATALOG
    | _CASES
    | {
        "billing.add_refundhold",
        "billing.change_refundhold",
        "billing.decide_refund",
    },
    # Cases, appeals and connection requests; the tables by which businesses are screened.
    gettext_noop("Compliance"): _WHO
    | _SEATS
    | _CASES
    | _view("billing", "order", "orderline", "package", "payment", "refund", "refundline")
    | {
        "accounts.restrict_account",
        "compliance.add_flagword",
        "compliance.add_industry",
        "compliance.add_screeningentry",
        "compliance.add_violation",
        "compliance.change_flagword",
        "compliance.change_industry",
        "compliance.change_screeningentry",
        "compliance.decide_appeal",
        "compliance.decide_connection",
        "compliance.handle_violation",
    },
    # Prices and features, which touch no customer's account; of the audit trail and of proposals
    # they read what concerns these (`AuditEventAdmin`, `ProposalAdmin`).
    gettext_noop("Catalog"): _CATALOG
    | _view("compliance", "behaviour", "rulebook")
    | _view("accounts", "auditevent", "proposal")
    | {
        "billing.add_featuretable",
        "billing.add_pricebook",
    },
    # Customers' accounts and members, and who is staff in which groups. Their own rights are
    # another administrator's to change.
    gettext_noop("Administrators"): _WHO
    | _SEATS
    | _view("auth", "group")
    | _view("billing", "sweeprun")
    | {
        "accounts.add_account",
        "accounts.add_entity",
        "accounts.add_membership",
        "accounts.add_user",
        "accounts.change_account",
        "accounts.change_entity",
        "accounts.change_job",
        "accounts.change_membership",
        "accounts.change_outgoingmail",
        "accounts.change_user",
        "accounts.delete_membership",
        "accounts.export_user",
        "auth.change_permission",
    },
}


def write_groups(apps: Any) -> None:
    """Make the groups and give each exactly its rights; `apps` are a migration's.

    Every change of the table needs a migration that calls this again, after those that bring the
    tables of its rights. Rights of Django exist only after all migrations, so they are made here
    first. A right whose table a later migration brings is left to the last call.
    """
    for config in apps.get_app_configs():
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0)
        config.models_module = None
    known = {
        f"{app}.{codename}": key
        for app, codename, key in apps.get_model("auth", "Permission").objects.values_list(
            "content_type__app_label", "codename", "pk"
        )
    }
    for name, rights in GROUPS.items():
        group, _is_new = apps.get_model("auth", "Group").objects.get_or_create(name=name)
        group.permissions.set([known[right] for right in rights & known.keys()])
