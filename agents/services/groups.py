"""Skill groups: making, renaming and deleting them."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import Application, User
from accounts.services.audit import Event, record
from accounts.text import fold
from agents.errors import DetailsRefused
from agents.models import SkillGroup
from agents.services.batches import lock_application

#: Enough for a large center, and few enough for a list to choose from (ADR 0042).
GROUP_LIMIT = 200


def _name_taken() -> DetailsRefused:
    return DetailsRefused({"name": _("This application already has a skill group with this name.")})


def _reread(group: SkillGroup) -> SkillGroup:
    current = SkillGroup.objects.filter(pk=group.pk).first()
    if current is None:
        raise Refused(_("This skill group has just been deleted."), code="group_gone")
    return current


def _require_free_name(
    application: Application, name: str, group: SkillGroup | None = None
) -> None:
    own = SkillGroup.objects.filter(account_id=application.account_id, application=application)
    if group is not None:
        own = own.exclude(pk=group.pk)
    if own.filter(name_key=fold(name)).exists():
        raise _name_taken()


@transaction.atomic
def add_group(*, application: Application, name: str, by: User | None, now: datetime) -> SkillGroup:
    """Make a skill group. Raises DetailsRefused for a name in use, Refused beyond the limit."""
    account = lock_application(application)
    _require_free_name(application, name)
    own = SkillGroup.objects.filter(account=account, application=application)
    if own.count() >= GROUP_LIMIT:
        raise Refused(
            _("An application has at most %(limit)d skill groups.") % {"limit": GROUP_LIMIT},
            code="too_many_groups",
        )
    try:
        with transaction.atomic():
            group = SkillGroup.objects.create(
                account=account, application=application, name=name, created_at=now
            )
    except IntegrityError as error:
        raise _name_taken() from error
    event = Event(verb="skill_group.added", target=group)
    record([event], account=account, by=by, now=now)
    return group


@transaction.atomic
def rename_group(*, group: SkillGroup, name: str, by: User | None, now: datetime) -> SkillGroup:
    """Give a skill group another name. Raises DetailsRefused for a name in use."""
    account = lock_application(group.application)
    current = _reread(group)
    if current.name == name:
        return current
    _require_free_name(group.application, name, current)
    was, current.name = current.name, name
    try:
        with transaction.atomic():
            current.save(update_fields=["name"])
    except IntegrityError as error:
        raise _name_taken() from error
    event = Event(verb="skill_group.renamed", target=current, data={"was": was})
    record([event], account=account, by=by, now=now)
    return current


@transaction.atomic
def delete_group(*, group: SkillGroup, by: User | None, now: datetime) -> None:
    """Delete a skill group; its agents leave it and are otherwise untouched."""
    account = lock_application(group.application)
    group = _reread(group)
    event = Event(verb="skill_group.deleted", target=group, data={"members": group.members.count()})
    record([event], account=account, by=by, now=now)
    group.delete()
