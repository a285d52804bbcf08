"""Price books and feature tables: published as a whole, then only read."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ActionForm, AddThroughService, LeanAdmin
from billing.admin.inlines import ReadOnlyInline
from billing.models import Feature, FeatureTable, PriceBook, PriceItem
from billing.services.catalog import publish_feature_table, publish_price_book

#: Far above any real catalog; a larger file is not read.
_MAX_BYTES = 1_000_000


class PublicationForm(ActionForm):
    """A catalog file and the time from which it holds."""

    file = forms.FileField(
        label=_("JSON file"), help_text=_("In the form of the files in billing/data/.")
    )
    effective_at = forms.DateTimeField(
        label=_("In force from"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=_("In the billing time zone. Quotes made before keep the prices they had."),
    )

    def clean_file(self) -> Mapping[str, Any]:
        """Return the file's content. Anything but a JSON object is refused beside the field."""
        upload = self.cleaned_data["file"]
        if upload.size > _MAX_BYTES:
            raise forms.ValidationError(_("The file is too large for a catalog."))
        try:
            data = json.loads(upload.read().decode())
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            raise forms.ValidationError(_("This is not a JSON file.")) from error
        if not isinstance(data, dict):
            raise forms.ValidationError(_("The file must hold one JSON object."))
        return data


def _yes_or_no(is_so: bool) -> str:
    return _("Yes") if is_so else _("No")  # type: ignore[return-value]


def _joined(first: str, more: str) -> str:
    return f"{first} · {more}" if more else str(first)


class PriceItemInline(ReadOnlyInline):
    model = PriceItem


@admin.register(PriceBook)
class PriceBookAdmin(AddThroughService, LeanAdmin):
    list_display = ("version", "effective_at", "currency", "note", "published_at", "published_by")
    list_select_related = ("published_by",)
    inlines = (PriceItemInline,)
    add_form = PublicationForm
    add_label = _("Publish a price book")

    def add_object(self, request: HttpRequest, data: Mapping[str, Any], now: datetime) -> Any:
        """Publish the file's prices."""
        return publish_price_book(
            data=data["file"],
            effective_at=data["effective_at"],
            by=request.user,  # type: ignore[arg-type]
            now=now,
        )


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

    def add_object(self, request: HttpRequest, data: Mapping[str, Any], now: datetime) -> Any:
        """Publish the file's comparison."""
        return publish_feature_table(
            data=data["file"],
            effective_at=data["effective_at"],
            by=request.user,  # type: ignore[arg-type]
            now=now,
        )
