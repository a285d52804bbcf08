"""The rule book, which is read; the screening table and the flag words, which staff keep."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import AddThroughService, LeanAdmin, ReadOnlyInline, object_action, person
from compliance.forms.staff import EntryForm, IndustryForm, WordForm
from compliance.models import Behaviour, FlagWord, Industry, RuleBook, ScreeningEntry
from compliance.services.screening import save_entry, save_flag_word, save_industry

Data = Mapping[str, Any]


class BehaviourInline(ReadOnlyInline):
    """The rules of a book."""

    model = Behaviour
    fields = [
        "number",
        "named",
        "text",
        "severity",
        "measures_named",
        "bars_refund",
        "allows_legal_follow_up",
    ]
    readonly_fields = ["named", "text", "measures_named"]

    @admin.display(description=_("name"))
    def named(self, behaviour: Behaviour) -> str:
        return behaviour.label

    @admin.display(description=_("description"))
    def text(self, behaviour: Behaviour) -> str:
        return behaviour.text

    @admin.display(description=_("measures"))
    def measures_named(self, behaviour: Behaviour) -> str:
        return ", ".join(behaviour.measure_labels)


@admin.register(RuleBook)
class RuleBookAdmin(LeanAdmin):
    """Published rule books; a new one is published by a command."""

    list_display = ["version", "effective_at", "note", "published_at", "published_by"]
    list_select_related = ["published_by"]
    inlines = [BehaviourInline]


def _set(row: Any, data: Data) -> Any:
    for name, value in data.items():
        setattr(row, name, value)
    return row


@admin.register(Industry)
class IndustryAdmin(AddThroughService, LeanAdmin):
    """Categories of the screening table."""

    list_display = ["name", "name_zh", "position"]
    add_form = IndustryForm

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        return ("position", "pk")

    def add_object(self, request: HttpRequest, data: Data, now: datetime) -> Industry:
        return save_industry(industry=Industry(**data), by=person(request), now=now)

    @object_action(label=_("Change"), permission="compliance.change_industry", form=IndustryForm)
    def edit(self, request: HttpRequest, obj: Industry, data: Data, now: datetime) -> str | Promise:
        """Change the name or the place."""
        save_industry(industry=_set(obj, data), by=person(request), now=now)
        return _("The industry was changed.")


@admin.register(ScreeningEntry)
class ScreeningEntryAdmin(AddThroughService, LeanAdmin):
    """What requests are screened against."""

    list_display = ["name", "kind", "industry", "rule", "is_active"]
    list_select_related = ["industry"]
    list_filter = ["kind", "rule", "is_active", "industry"]
    search_fields = ["^name", "^industry__name"]
    add_form = EntryForm

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return (F("industry__position").asc(nulls_first=True), "position", "pk")

    def add_object(self, request: HttpRequest, data: Data, now: datetime) -> ScreeningEntry:
        return save_entry(entry=ScreeningEntry(**data), by=person(request), now=now)

    @object_action(
        label=_("Change"),
        permission="compliance.change_screeningentry",
        form=EntryForm,
        consequence=_("This applies to new requests, and to waiting ones when they are approved."),
    )
    def edit(
        self, request: HttpRequest, obj: ScreeningEntry, data: Data, now: datetime
    ) -> str | Promise:
        """Change the entry, or take it out of use."""
        save_entry(entry=_set(obj, data), by=person(request), now=now)
        return _("The entry was changed.")


@admin.register(FlagWord)
class FlagWordAdmin(AddThroughService, LeanAdmin):
    """Words that send a description to review."""

    list_display = ["word", "note", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["^word"]
    ordering = ("word",)
    add_form = WordForm

    def add_object(self, request: HttpRequest, data: Data, now: datetime) -> FlagWord:
        return save_flag_word(word=FlagWord(**data), by=person(request), now=now)

    @object_action(label=_("Change"), permission="compliance.change_flagword", form=WordForm)
    def edit(self, request: HttpRequest, obj: FlagWord, data: Data, now: datetime) -> str | Promise:
        """Change the word, or take it out of use."""
        save_flag_word(word=_set(obj, data), by=person(request), now=now)
        return _("The word was changed.")
