"""The current rule book, and publishing a new one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.models import User
from accounts.services.audit import Event
from accounts.services.versions import publish_version
from compliance.enums import Severity, ViolationMeasure
from compliance.models import Behaviour, RuleBook


def find_rule_book(at: datetime) -> RuleBook:
    """Return the current rule book at `at`. Raises Refused where there was none yet."""
    book = RuleBook.objects.in_force(at).first()
    if book is None:
        raise Refused(_("No rule book applied at that time."), code="no_rule_book")
    return book


def find_behaviour(number: int, *, at: datetime) -> Behaviour:
    """Return the behavior of that number in the current book at `at`.

    A case is judged by the rules of the time when it happened (ADR 0043). Raises Refused where
    the book has no such behavior.
    """
    behaviour = (
        Behaviour.objects.filter(book=find_rule_book(at), number=number)
        .select_related("book")
        .first()
    )
    if behaviour is None:
        raise Refused(
            _("The rule book of that time has no such behavior."),
            code="no_behaviour",
            field="behaviour",
        )
    return behaviour


def _flag(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name, False)
    if not isinstance(value, bool):
        raise TypeError(f"{name}: neither true nor false")
    return value


def _behaviour(row: Mapping[str, Any], handling: Mapping[str, Any]) -> Behaviour:
    number = row["number"]
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 999:
        raise TypeError("number: no whole number from 1 to 999")
    behaviour = Behaviour(
        number=number,
        name=str(row["name"]),
        name_zh=str(row.get("name_zh", "")),
        description=str(row["description"]),
        description_zh=str(row.get("description_zh", "")),
        severity=Severity(row["severity"]),
        measures=[ViolationMeasure(measure) for measure in handling["measures"]],
        bars_refund=_flag(handling, "bars_refund"),
        allows_legal_follow_up=_flag(handling, "allows_legal_follow_up"),
        refers_to_request=_flag(row, "refers_to_request"),
    )
    if not (behaviour.name and behaviour.description and behaviour.measures):
        raise ValueError(f"behavior {number}: name, description or measures are missing")
    if max(len(behaviour.name), len(behaviour.name_zh)) > 160:
        raise ValueError(f"behavior {number}: a name has at most 160 characters")
    return behaviour


def _read_behaviours(data: Mapping[str, Any]) -> list[Behaviour]:
    try:
        handling = {Severity(row["key"]): row for row in data["severities"]}
        behaviours = [
            _behaviour(row, handling[Severity(row["severity"])]) for row in data["behaviours"]
        ]
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise Refused(
            _("The file does not have the expected form: %(error)s.")
            % {"error": repr(error)[:200]},
            code="bad_form",
        ) from error
    if not behaviours or len({row.number for row in behaviours}) != len(behaviours):
        raise Refused(
            _("A rule book needs behaviors, and each number may occur only once."),
            code="incomplete",
        )
    return behaviours


@transaction.atomic
def publish_rule_book(
    *, data: Mapping[str, Any], effective_at: datetime, by: User | None, now: datetime
) -> RuleBook:
    """Publish a new rule book, in the form of `compliance/data/guidelines.json`.

    Cases keep the rule of their time. Raises Refused where the data has another form, or where
    `effective_at` is in the past.
    """
    if effective_at < now:
        raise Refused(
            _("A rule book cannot take effect in the past."),
            code="in_the_past",
            field="effective_at",
        )
    behaviours = _read_behaviours(data)
    book = RuleBook(effective_at=effective_at, note=str(data.get("note", ""))[:200])
    for behaviour in behaviours:
        behaviour.book = book
    event = Event(verb="rule_book.published", target=book)
    publish_version(book, behaviours, event=event, by=by, now=now)
    return book
