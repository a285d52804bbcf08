"""Every page and dialog that there is, with someone who can open it, on the demo's data.

The addresses come from the URL configuration and from the admin's own list of models, so that a
new page is looked at on its own. One whose address names a new kind of row fails until `ROWS`
knows where to find one.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib import admin
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.admin.base import ObjectActions
from accounts.enums import Role
from accounts.models import Account, Application, Export, Invitation, Membership, Notification, User
from accounts.services.exports import begin_export
from accounts.services.invitations import invite_member
from accounts.services.tenants import open_account
from agents.enums import ActName
from agents.models import Agent, AgentAct, AgentImport, SipTelephone, SkillGroup
from agents.services.acts import begin_act
from agents.services.imports import check_import, send_import
from billing.enums import Edition
from billing.models import Order, Refund
from compliance.enums import ViolationMeasure
from compliance.models import ConnectionRequest, Evidence, Violation
from config.demo import shop
from tests import factories
from tests.test_tenancy import ADDRESSES, Address

VISITOR = ""
STAFF = "every.right@example.com"
#: Has just signed up: one account holds nothing at all, the other an application and no package.
NEWCOMER = "newcomer@example.com"
OWNERS = ("olivia.owner@example.com", "mei.owner@example.com")

#: The rows that an address names by what comes before their key or number.
ROWS: dict[str, type[Model]] = {
    "acts": AgentAct,
    "agents": Agent,
    "connections": ConnectionRequest,
    "evidence": Evidence,
    "exports": Export,
    "import": AgentImport,
    "invitations": Invitation,
    "members": Membership,
    "notifications": Notification,
    "orders": Order,
    "payments": Order,
    "refunds": Refund,
    "skill-groups": SkillGroup,
    "telephones": SipTelephone,
    "violations": Violation,
}
#: What an address needs beside its path to show more than that it needs it.
QUERIES = {
    f"agents:{act}": "?all=1"
    for act in ("assign", "free", "move", "change", "enable", "disable", "delete")
}
#: The library's pages: for visitors, and for who has signed in. Those with a key show that it
#: is a wrong one.
SIGNING_IN: dict[str, dict[str, Any]] = {
    "account_login": {},
    "account_signup": {},
    "account_reset_password": {},
    "account_reset_password_done": {},
    "account_reset_password_from_key": {"uidb36": "1", "key": "set-password"},
    "account_reset_password_from_key_done": {},
    "account_confirm_email": {"key": "wrong"},
    "account_email_verification_sent": {},
    "account_inactive": {},
}
SIGNED_IN = (
    "account_logout",
    "account_email",
    "account_change_password",
    "mfa_index",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_list_webauthn",
    "mfa_generate_recovery_codes",
    "account_reauthenticate",
    "usersessions_list",
)
#: Pages of the administration that belong to no table.
ADMIN_PAGES = ("admin:index", "admin:status")
#: A page shows the same for each of many rows: this many are tried until one has it.
_TRIES = 12


@dataclass(frozen=True)
class Shown:
    """One page: the name of its address, the address, and who can open it."""

    name: str
    url: str
    email: str


def prepare() -> str:
    """Load the demo and what it leaves out; return the token of an invitation."""
    call_command("load_demo_data", stdout=StringIO())
    now = timezone.now()
    mei = User.objects.get(email="mei.owner@example.com")
    User.objects.create_superuser(STAFF, "a-long-password", name="Every Right")
    sales = Application.objects.get(name="Sales hotline")
    _leave_an_import(sales)
    _leave_an_act(sales)
    _leave_an_export(sales)
    # A refund that waits for staff, because of a warning.
    account = open_account(
        entity=factories.make_entity(), name="Bay Clinic", owner=mei, by=None, now=now
    )
    shop.credit(account, cash=500, at=now)
    desk = factories.make_application(account, "Front desk", now=now - timedelta(days=1))
    package = shop.order_new(desk, Edition.ESSENTIAL, by=mei, at=now - timedelta(hours=20))
    customer = factories.Customer(owner=mei, account=account, application=desk)
    factories.make_case(customer, behaviour=6, measure=ViolationMeasure.WARN, now=now)
    shop.order_refund(package, by=mei, at=now)
    _welcome_a_newcomer(now)
    asked = invite_member(
        account=sales.account,
        email="late@example.com",
        role=Role.FINANCE,
        by=_owner(sales),
        now=now,
    )
    return asked.token


def _welcome_a_newcomer(now: datetime) -> None:
    newcomer = User.objects.create_user(NEWCOMER, "a-long-password", name="New Comer")
    for name in ("Nothing yet", "Bare"):
        account = open_account(
            entity=factories.make_entity(), name=name, owner=newcomer, by=None, now=now
        )
    factories.make_application(account, "Bare application", now=now)


def _owner(application: Application) -> User:
    return application.account.memberships.get(role=Role.OWNER).user


def _leave_an_import(application: Application) -> None:
    content = b"name,staff_number,email\nAnna,1,anna@example.com\n,2,nobody\n"
    imported = send_import(
        application=application,
        file_name="people.csv",
        content=content,
        mode="add",
        by=_owner(application),
        now=timezone.now(),
    )
    check_import(imported=imported, now=timezone.now())


def _leave_an_act(application: Application) -> None:
    begin_act(
        application=application,
        name=ActName.ENABLE,
        options={},
        chosen=Agent.objects.filter(application=application),
        by=_owner(application),
        now=timezone.now(),
    )


def _leave_an_export(application: Application) -> None:
    begin_export(
        account=application.account,
        kind="statement",
        options={"fund": "", "kind": "", "since": None, "until": None},
        file_name="statement.csv",
        total=20_000,
        by=_owner(application),
        now=timezone.now(),
    )


# --- Finding them --------------------------------------------------------------------------


def every_page(token: str) -> list[Shown]:
    """Return every page and dialog that answers a GET with HTML, each name once."""
    return [
        *_first_of_each(VISITOR, _public(token)),
        *_console(token),
        *_empty_pages(),
        *_first_of_each(STAFF, _admin()),
    ]


def _first_of_each(email: str, candidates: Iterable[tuple[str, str]]) -> Iterator[Shown]:
    client, seen, tries = client_of(email), set(), dict[str, int]()
    for name, url in candidates:
        tries[name] = tries.get(name, 0) + 1
        if name in seen or tries[name] > _TRIES:
            continue
        answer = client.get(url)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            seen.add(name)
            yield Shown(name, url, email)


def client_of(email: str) -> Client:
    """Return a client that has just signed in as this person, if any."""
    client = Client()
    if email:
        client.force_login(User.objects.get(email=email))
        session = client.session
        # Else the library asks for the password again before pages that change how to sign in.
        session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
        session.save()
    return client


def _public(token: str) -> Iterator[tuple[str, str]]:
    for address in ADDRESSES:
        names = {name for _converter, name in address.parts}
        if names <= {"token"} and address.name not in {"healthz", "readyz", "metrics"}:
            yield address.name, reverse(address.name, kwargs=dict.fromkeys(names, token))
    for name, kwargs in SIGNING_IN.items():
        yield name, reverse(name, kwargs=kwargs)


def _console(token: str) -> Iterator[Shown]:
    seen: set[str] = set()
    for email in OWNERS:
        owner = User.objects.get(email=email)
        candidates = [
            (address.name, url)
            for address in ADDRESSES
            for url in _urls(address, owner)
            if address.name not in seen
        ]
        candidates += [(name, reverse(name)) for name in SIGNED_IN if name not in seen]
        for shown in _first_of_each(email, candidates):
            seen.add(shown.name)
            yield shown


def _empty_pages() -> Iterator[Shown]:
    """The account's pages before there is anything on them, and the application's."""
    newcomer = User.objects.get(email=NEWCOMER)
    accounts = [membership.account for membership in newcomer.memberships.order_by("pk")]
    client = client_of(NEWCOMER)
    for address in ADDRESSES:
        names = {name for _converter, name in address.parts}
        if "uin" not in names or names - {"uin", "sdkappid"}:
            continue
        known: dict[str, Any] = {"uin": accounts[0].uin}
        if "sdkappid" in names:
            application = Application.objects.get(account=accounts[1])
            known = {"uin": accounts[1].uin, "sdkappid": application.sdkappid}
        url = reverse(address.name, kwargs=known)
        answer = client.get(url)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            yield Shown(f"{address.name} (empty)", url, NEWCOMER)


def _urls(address: Address, owner: User) -> Iterator[str]:
    """Addresses of what this owner may see, most telling first."""
    names = {name for _converter, name in address.parts}
    accounts = [membership.account for membership in owner.memberships.order_by("pk")]
    query = QUERIES.get(address.name, "")
    own = names - {"uin", "sdkappid", "token"}
    if own:
        for row in _rows(address, own.pop(), accounts, owner):
            yield reverse(address.name, kwargs=row) + query
    elif names <= {"uin", "sdkappid"}:
        for account in accounts:
            applications = Application.objects.filter(account=account).order_by("pk")
            for application in applications if "sdkappid" in names else applications[:1]:
                known = {"uin": account.uin, "sdkappid": application.sdkappid}
                yield reverse(address.name, kwargs={name: known[name] for name in names}) + query


def _rows(
    address: Address, name: str, accounts: list[Account], owner: User
) -> Iterator[dict[str, Any]]:
    before = address.route[: address.route.index(f":{name}>")].rpartition("<")[0]
    noun = before.rstrip("/").rpartition("/")[2]
    assert noun in ROWS, f"{address.route}: tell ROWS which rows {noun!r} are"
    rows: Any = ROWS[noun]._default_manager.order_by("-pk")
    who = {"payments": "payer", "notifications": "account"}.get(noun, "account")
    rows = rows.filter(**{f"{who}__in": accounts})
    if noun == "notifications":
        rows = rows.filter(user=owner)
    for row in rows[:_TRIES]:
        known = {name: getattr(row, name), "uin": getattr(row, who).uin}
        if "sdkappid" in address.route:
            known["sdkappid"] = row.application.sdkappid
        yield {part: known[part] for _converter, part in address.parts}


# --- The administration --------------------------------------------------------------------


def _admin() -> Iterator[tuple[str, str]]:
    for name in ADMIN_PAGES:
        yield name, reverse(name)
    for model, model_admin in sorted(admin.site._registry.items(), key=lambda item: str(item[0])):
        prefix = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield f"{prefix}_changelist", reverse(f"{prefix}_changelist")
        yield f"{prefix}_add", reverse(f"{prefix}_add")
        rows = list(model._default_manager.order_by("-pk")[:_TRIES])
        for row in rows:
            yield f"{prefix}_change", reverse(f"{prefix}_change", args=(row.pk,))
        if not isinstance(model_admin, ObjectActions):
            continue
        for name in model_admin.object_actions:
            for row in rows:
                yield f"{prefix}_act_{name}", reverse(f"{prefix}_act", args=(row.pk, name))
