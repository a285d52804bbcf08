"""Price books and feature tables: published as a whole, then only read."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import (
    AddThroughService,
    LeanAdmin,
    ReadOnlyInline,
    ReasonForm,
    object_action,
    person,
)
from accounts.forms.fields import PlainDateTimeField
from accounts.models import Proposal
from accounts.services.proposals import propose
from billing.catalog.files import price_book_file
from billing.catalog.models import Feature, FeatureTable, PriceBook, PriceItem
from billing.catalog.publishing import withdraw_price_book
from billing.catalog.queries import find_price_book

#: Far above any real catalog; a larger file is not read.
_MAX_BYTES = 1_000_000


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON and which the database would not keep."""
    raise ValueError(name)


class PublicationForm(ReasonForm):
    """A catalog file and the time from which it holds."""

    field_order = ("file", "effective_at", "reason")
    file = forms.FileField(
        label=_("JSON file"), help_text=_("In the format of the current version.")
    )
    effective_at = PlainDateTimeField(
        label=_("Effective from"),
        help_text=_("In the billing time zone. Quotes made earlier keep their prices."),
    )

    def clean_file(self) -> Mapping[str, Any]:
        """Return the file's content. Anything but a JSON object is refused beside the field."""
        upload = self.cleaned_data["file"]
        if upload.size > _MAX_BYTES:
            raise forms.ValidationError(_("The file is too large for a catalog."))
        try:
            data = json.loads(upload.read().decode(), parse_constant=_refuse_constant)
            kept = json.dumps(data, ensure_ascii=False)
            kept.encode()
        except (UnicodeError, ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is not a JSON file.")) from error
        if "\\u0000" in kept:
            raise forms.ValidationError(_("The file contains a NUL character."))
        if not isinstance(data, dict):
            raise forms.ValidationError(_("The file must contain one JSON object."))
        return data


class PriceBookForm(PublicationForm):
    """A file of prices."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = format_html(
            '{} <a href="{}">{}</a>',
            _("Download the current prices, change them and upload the file."),
            reverse("admin:billing_pricebook_current"),
            _("Download the current prices"),
        )


def _propose(request: HttpRequest, kind: str, data: Mapping[str, Any], now: datetime) -> Proposal:
    return propose(
        kind,
        payload={"file": data["file"], "effective_at": data["effective_at"]},
        reason=data["reason"],
        by=person(request),
        now=now,
    )


def _can_be_withdrawn(book: PriceBook) -> bool:
    return book.effective_at > timezone.now() and not hasattr(book, "withdrawal")


def _send(book: PriceBook) -> HttpResponse:
    text = json.dumps(price_book_file(book), indent=2, ensure_ascii=False)
    name = f"price-book-{book.version}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/json", headers=headers)


def _yes_or_no(is_so: bool) -> str | Promise:
    return _("Yes") if is_so else _("No")


def _joined(first: str | Promise, more: str) -> str:
    return f"{first} · {more}" if more else str(first)


class PriceItemInline(ReadOnlyInline):
    model = PriceItem


@admin.register(PriceBook)
class PriceBookAdmin(AddThroughService, LeanAdmin):
    list_display = ("version", "effective_at", "currency", "note", "published_at", "withdrawn")
    list_select_related = ("withdrawal",)
    readonly_fields = ("withdrawn",)
    inlines = (PriceItemInline,)
    add_form = PriceBookForm
    add_label = _("Publish a price book")
    add_proposes = True

    @admin.display(description=_("withdrawn"))
    def withdrawn(self, book: PriceBook) -> str:
        """Say when, by which person and why the book was taken back before it took effect."""
        withdrawal = getattr(book, "withdrawal", None)
        if withdrawal is None:
            return "–"
        at = date_format(timezone.localtime(withdrawal.withdrawn_at), "DATETIME_FORMAT")
        return f"{at} · {withdrawal.withdrawn_by} · {withdrawal.reason}"

    def add_object(self, request: HttpRequest, data: Mapping[str, Any], now: datetime) -> Proposal:
        """Prepare the file's prices."""
        return _propose(request, "price_book.publish", data, now)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.file_view)
        file = path("<int:pk>/file/", view, name="billing_pricebook_file")
        current = self.admin_site.admin_view(self.current_file_view)
        return [
            path("current/file/", current, name="billing_pricebook_current"),
            file,
            *super().get_urls(),
        ]

    def current_file_view(self, request: HttpRequest) -> HttpResponse:
        """Send the current prices as a file, to start the next ones from."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return _send(find_price_book(timezone.now()))

    def file_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send a price book as a file, to start the next one from."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return _send(get_object_or_404(PriceBook, pk=pk))

    @object_action(
        label=_("Withdraw"),
        permission="billing.add_pricebook",
        consequence=_("These prices never take effect. The previous ones continue to apply."),
        is_available=_can_be_withdrawn,
        is_danger=True,
    )
    def withdraw(
        self, request: HttpRequest, obj: PriceBook, data: Mapping[str, Any], now: datetime
    ) -> str | Promise:
        """Take it back before it takes effect."""
        withdraw_price_book(book=obj, reason=data["reason"], by=person(request), now=now)
        return _("The price book was withdrawn.")


class FeatureInline(ReadOnlyInline):
    """The rows of a comparison, in the reader's language as customers see them."""

    model = Feature
    fields = ("position", "group_named", "named", "key", "is_calling", "essential", "premium")
    readonly_fields = ("group_named", "named", "essential", "premium")

    @admin.display(description=_("group"))
    def group_named(self, feature: Feature) -> str:
        return feature.group_label

    @admin.display(description=_("name"))
    def named(self, feature: Feature) -> str:
        return _joined(feature.label, feature.note_label)

    @admin.display(description=_("in Essential"))
    def essential(self, feature: Feature) -> str:
        return _joined(_yes_or_no(feature.in_essential), feature.essential_label)

    @admin.display(description=_("in Premium"))
    def premium(self, feature: Feature) -> str:
        return _joined(_yes_or_no(feature.in_premium), feature.premium_label)


@admin.register(FeatureTable)
class FeatureTableAdmin(AddThroughService, LeanAdmin):
    list_display = ("version", "effective_at", "note", "published_at", "published_by")
    list_select_related = ("published_by",)
    inlines = (FeatureInline,)
    add_form = PublicationForm
    add_label = _("Publish a feature table")
    add_proposes = True

    def add_object(self, request: HttpRequest, data: Mapping[str, Any], now: datetime) -> Proposal:
        """Prepare the file's comparison."""
        return _propose(request, "feature_table.publish", data, now)
