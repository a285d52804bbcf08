"""SIP telephones: registering, passwords, binding to agents, licenses, removing."""

import secrets
from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Account, Application, User
from accounts.services.audit import Event, record
from agents.errors import DetailsRefused
from agents.models import Agent, SipTelephone
from agents.services.batches import lock_application
from agents.services.seats import claim_licenses
from billing.enums import LicenseKind
from billing.models import License, Package
from billing.packages.features import has_feature

#: The feature that lets a telephone ring for an agent (guide, edition comparison).
BINDING = "sip_bind_agent"
#: Letters and digits that no one confuses when reading them off a screen.
ALPHABET = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
PASSWORD_LENGTH = 20


def may_bind(package: Package, now: datetime) -> bool:
    """Whether the package's edition lets telephones be bound to agents."""
    return has_feature(package.edition, BINDING, now)


def _new_password() -> str:
    return "".join(secrets.choice(ALPHABET) for _sign in range(PASSWORD_LENGTH))


def _lock(telephone: SipTelephone) -> tuple[Account, SipTelephone]:
    """Lock the account, then the telephone, and read it again."""
    account = lock_application(telephone.application)
    current = SipTelephone.objects.select_for_update(no_key=True).filter(pk=telephone.pk).first()
    if current is None:
        raise Refused(_("This telephone has just been removed."), code="telephone_gone")
    current.application = telephone.application
    return account, current


def _require_free_number(
    application: Application, extension: str, telephone: SipTelephone | None = None
) -> None:
    place = {"account_id": application.account_id, "application_id": application.pk}
    others = SipTelephone.objects.filter(**place, extension=extension)
    if telephone is not None:
        others = others.exclude(pk=telephone.pk)
    if others.exists():
        raise DetailsRefused(
            {"extension": _("Another SIP telephone of this application has this extension.")}
        )
    if Agent.objects.filter(**place, extension=extension).exists():
        raise DetailsRefused({"extension": _("An agent of this application has this extension.")})


def _save(telephone: SipTelephone, *fields: str, now: datetime) -> None:
    """Write the fields; the database's keys have the last word."""
    telephone.updated_at = now
    try:
        with transaction.atomic():
            telephone.save(update_fields=[*fields, "updated_at"] if telephone.pk else None)
    except IntegrityError as error:
        raise Refused(
            _("Someone else has just taken a value or the license. Try again."),
            code="taken_meanwhile",
        ) from error


def _record(
    account: Account,
    verb: str,
    telephone: SipTelephone,
    *,
    by: User | None,
    now: datetime,
    data: dict[str, Any] | None = None,
) -> None:
    event = Event(verb=f"telephone.{verb}", target=telephone, data=data or {})
    record([event], account=account, by=by, now=now)


@transaction.atomic
def register_telephone(
    *, application: Application, label: str, extension: str, by: User | None, now: datetime
) -> tuple[SipTelephone, str]:
    """Register a telephone with a free SIP license and return it with its password.

    The password is returned this once; only its hash is kept. Raises LicensesMissing,
    DetailsRefused where the extension is taken, and Refused for a restricted account.
    """
    account = lock_application(application)
    _require_free_number(application, extension)
    license = claim_licenses(application, LicenseKind.SIP, 1, now)[0]
    password = _new_password()
    telephone = SipTelephone(
        account=account,
        application=application,
        label=label,
        extension=extension,
        password=make_password(password),
        password_set_at=now,
        license_id=license,
        created_at=now,
    )
    _save(telephone, now=now)
    _record(account, "registered", telephone, data={"license": license}, by=by, now=now)
    return telephone, password


@transaction.atomic
def edit_telephone(
    *, telephone: SipTelephone, label: str, extension: str, by: User | None, now: datetime
) -> SipTelephone:
    """Change a telephone's name or extension. Raises as `register_telephone`, but for licenses."""
    account, current = _lock(telephone)
    if (current.label, current.extension) == (label, extension):
        return current
    _require_free_number(current.application, extension, current)
    current.label, current.extension = label, extension
    _save(current, "label", "extension", now=now)
    _record(account, "edited", current, by=by, now=now)
    return current


@transaction.atomic
def reset_password(
    *, telephone: SipTelephone, by: User | None, now: datetime
) -> tuple[SipTelephone, str]:
    """Give the telephone another password and return it; the old one holds no longer.

    Raises Refused for a restricted account.
    """
    account, current = _lock(telephone)
    password = _new_password()
    current.password, current.password_set_at = make_password(password), now
    _save(current, "password", "password_set_at", now=now)
    _record(account, "password_reset", current, by=by, now=now)
    return current, password


@transaction.atomic
def bind_telephone(
    *, telephone: SipTelephone, agent: Agent, by: User | None, now: datetime
) -> SipTelephone:
    """Let the telephone ring for an agent, in place of the one it rang for before.

    Raises Refused where the edition has no binding, the telephone or the agent has no live
    license, the agent has another telephone, and for a restricted account.
    """
    account, current = _lock(telephone)
    _require_binding_possible(current, agent, now)
    if current.agent_id == agent.pk:
        return current
    was = current.agent_id
    current.agent = agent
    _save(current, "agent", now=now)
    _record(account, "bound", current, data={"agent": agent.pk, "was": was}, by=by, now=now)
    return current


def _require_binding_possible(telephone: SipTelephone, agent: Agent, now: datetime) -> None:
    if agent.application_id != telephone.application_id:
        raise Refused(_("Choose an agent of this application."), code="foreign", field="agent")
    license = (
        License.objects.live(now)
        .select_related("package")
        .filter(pk=telephone.license_id or 0)
        .first()
    )
    if license is None:
        raise Refused(
            _("The telephone needs a SIP license first."), code="unlicensed", field="agent"
        )
    if not may_bind(license.package, now):
        raise Refused(
            _("Binding a telephone to an agent is part of the Premium edition."),
            code="not_in_edition",
            field="agent",
        )
    if not Agent.objects.filter(pk=agent.pk).licensed(now).exists():
        raise Refused(
            _("This agent has no license. Assign one first, then bind the telephone."),
            code="agent_unlicensed",
            field="agent",
        )
    if SipTelephone.objects.filter(agent=agent).exclude(pk=telephone.pk).exists():
        raise Refused(
            _("Another telephone is bound to this agent. Unbind it first."),
            code="agent_bound",
            field="agent",
        )


@transaction.atomic
def unbind_telephone(*, telephone: SipTelephone, by: User | None, now: datetime) -> SipTelephone:
    """Let the telephone ring for no one. Raises Refused for a restricted account."""
    account, current = _lock(telephone)
    _unbind(account, current, by=by, now=now)
    return current


def _unbind(account: Account, telephone: SipTelephone, *, by: User | None, now: datetime) -> None:
    if telephone.agent_id is None:
        return
    was, telephone.agent = telephone.agent_id, None
    _save(telephone, "agent", now=now)
    _record(account, "unbound", telephone, data={"agent": was}, by=by, now=now)


@transaction.atomic
def free_telephone_license(
    *, telephone: SipTelephone, by: User | None, now: datetime
) -> SipTelephone:
    """Unbind the telephone and take its license back; the license stays, free, until its date.

    Raises Refused for a restricted account.
    """
    account, current = _lock(telephone)
    _unbind(account, current, by=by, now=now)
    if current.license_id is not None:
        was, current.license = current.license_id, None
        _save(current, "license", now=now)
        _record(account, "license_freed", current, data={"license": was}, by=by, now=now)
    return current


@transaction.atomic
def license_telephone(*, telephone: SipTelephone, by: User | None, now: datetime) -> SipTelephone:
    """Give a free SIP license to a telephone that has none that counts.

    Raises LicensesMissing, and Refused for a restricted account.
    """
    account, current = _lock(telephone)
    if SipTelephone.objects.licensed(now).filter(pk=current.pk).exists():
        return current
    license = claim_licenses(current.application, LicenseKind.SIP, 1, now)[0]
    current.license_id = license
    _save(current, "license", now=now)
    _record(account, "license_assigned", current, data={"license": license}, by=by, now=now)
    return current


@transaction.atomic
def remove_telephone(*, telephone: SipTelephone, by: User | None, now: datetime) -> None:
    """Remove a telephone permanently; it is unbound first, and its license is free again.

    Raises Refused for a restricted account.
    """
    account, current = _lock(telephone)
    _unbind(account, current, by=by, now=now)
    _record(account, "removed", current, data={"freed": current.license_id}, by=by, now=now)
    current.delete()
