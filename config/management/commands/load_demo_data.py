"""Load the demo, once; print who can sign in to it."""

import hashlib
import hmac
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from config.demo import scenario
from config.demo.cast import Cast
from config.demo.people import PEOPLE, Person


def _demo_password() -> str:
    """Return a password that stays the same for this installation and is nowhere written down."""
    digest = hmac.new(settings.SECRET_KEY.encode(), b"demo sign-in", hashlib.sha256)
    return f"demo-{digest.hexdigest()[:10]}"


def _make_user(person: Person, password: str) -> User:
    user = User.objects.filter(email=person.email).first()
    if user is None:
        user = User.objects.create_user(
            person.email, password, name=person.name, is_staff=person.is_staff
        )
        user.groups.set(Group.objects.filter(name__in=person.groups))
    elif settings.LOCAL and not user.check_password(password):
        # Elsewhere someone real may have the address.
        user.set_password(password)
        user.save(update_fields=["password"])
    EmailAddress.objects.get_or_create(
        user=user, email=person.email, defaults={"verified": True, "primary": True}
    )
    return user


class Command(BaseCommand):
    help = "Loads two companies with accounts, packages, agents, orders and refunds to try."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="chooses the made-up names")
        parser.add_argument(
            "--accounts", type=int, default=0, help="plain accounts to add, each a company"
        )
        parser.add_argument(
            "--agents", type=int, default=14, help="people in the largest application"
        )
        parser.add_argument(
            "--password", default="", help="the password of all users (default: made for this copy)"
        )
        parser.add_argument(
            "--in-production", action="store_true", help="load it even if LOCAL is off"
        )

    def handle(self, **options: Any) -> None:
        if not 14 <= options["agents"] <= 10_000 or not 0 <= options["accounts"] <= 100_000:
            raise CommandError("--agents takes 14 to 10,000, --accounts 0 to 100,000.")
        if not (settings.LOCAL or options["in_production"]):
            raise CommandError(
                "The demo creates users who can sign in, including an administrator, and this is "
                "not a local machine (LOCAL=1). --in-production loads it anyway."
            )
        password = options["password"] or _demo_password()
        self._load(options, password, timezone.now())
        self._print_sign_ins(password)

    @transaction.atomic
    def _load(self, options: dict[str, Any], password: str, now: datetime) -> None:
        users = {person.key: _make_user(person, password) for person in PEOPLE}
        if scenario.is_told():
            self.stdout.write("The demo data already exists. Nothing was added.")
            return
        cast = Cast(users=users, now=now, seed=options["seed"])
        scenario.tell(cast, agents=options["agents"])
        scenario.tell_more(cast, accounts=options["accounts"])

    def _print_sign_ins(self, password: str) -> None:
        self.stdout.write("Sign in with:")
        for person in PEOPLE:
            members = person.email.ljust(30)
            self.stdout.write(f"  {members} {self._roles(person)}")
        self.stdout.write(f"  password: {password}")

    def _roles(self, person: Person) -> str:
        if person.is_staff:
            return f"staff, /admin/: {', '.join(person.groups)}"
        user = User.objects.get(email=person.email)
        memberships = user.memberships.select_related("account").order_by("account__uin")
        return "; ".join(
            f"{membership.get_role_display()} of {membership.account.name}"
            for membership in memberships
        )
