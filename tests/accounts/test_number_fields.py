"""Numbers and dates are taken in ASCII digits, in every form there is."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.urls import get_resolver
from django.utils import timezone

from accounts.forms.fields import (
    DecimalNumberField,
    PlainDateField,
    PlainDateTimeField,
    WholeNumberField,
)

#: What Django's own fields take for a number, or Python does.
ODD = {
    "Arabic digits": "\u0663\u0664",
    "full-width digits": "\uff11\uff12",
    "exponent": "1e3",
    "underscores": "1_000",
    "not a number": "NaN",
    "infinity": "Infinity",
    "plus": "+1",
    "hexadecimal": "0x10",
    "comma": "1,5",
    "40 digits": "9" * 40,
    "NUL": "1\0",
    "several lines": "1\n2",
    "words": "three",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("kind", [WholeNumberField, DecimalNumberField])
def test_anything_else_is_refused_with_a_sentence(kind: type[forms.Field], text: str) -> None:
    with pytest.raises(forms.ValidationError) as refused:
        kind().clean(text)

    assert refused.value.messages[0].startswith("Enter a ")


@pytest.mark.parametrize(
    ("field", "text", "number"),
    [
        pytest.param(WholeNumberField(), " 12 ", 12, id="blanks around it"),
        pytest.param(WholeNumberField(), "-3", -3, id="negative"),
        pytest.param(WholeNumberField(), "007", 7, id="leading zeros"),
        pytest.param(WholeNumberField(required=False), "", None, id="nothing"),
        pytest.param(DecimalNumberField(), "12", Decimal(12), id="whole"),
        pytest.param(DecimalNumberField(), "-0.50", Decimal("-0.50"), id="decimal"),
        pytest.param(DecimalNumberField(required=False), "", None, id="no decimal"),
    ],
)
def test_plain_numbers_are_taken(field: forms.Field, text: str, number: Any) -> None:
    assert field.clean(text) == number


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        (PlainDateField(), "2026-03-01", date(2026, 3, 1)),
        (PlainDateField(), "\u0662\u0660\u0662\u0666-\u0660\u0663-\u0660\u0661", None),
        (PlainDateField(), "\uff12\uff10\uff12\uff16-03-01", None),
        (PlainDateTimeField(), "2026-03-01T10:30", datetime(2026, 3, 1, 2, 30, tzinfo=UTC)),
        (PlainDateTimeField(), "2026-03-\u0660\u0661T10:30", None),
    ],
)
def test_dates_are_taken_in_ascii_digits(
    field: forms.Field, text: str, value: date | datetime | None
) -> None:
    with timezone.override("Asia/Shanghai"):
        if value is None:
            with pytest.raises(forms.ValidationError):
                field.clean(text)
        else:
            assert field.clean(text) == value


def test_a_fraction_is_no_whole_number() -> None:
    with pytest.raises(forms.ValidationError):
        WholeNumberField().clean("1.0")


def test_no_form_of_ours_takes_numbers_or_dates_in_another_way() -> None:
    assert get_resolver().url_patterns  # all forms are loaded with the views
    strict = (WholeNumberField, DecimalNumberField, PlainDateField, PlainDateTimeField)
    number = (forms.IntegerField, forms.FloatField, forms.DateField, forms.DateTimeField)
    loose = {
        f"{form.__module__}.{form.__qualname__}.{name}"
        for form in _forms(forms.BaseForm)
        if form.__module__.startswith(
            ("accounts.", "agents.", "billing.", "compliance.", "config.")
        )
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, number) and not isinstance(field, strict)
    }

    assert loose == set()


def _forms(form: Any) -> Iterator[Any]:
    for child in form.__subclasses__():
        yield child
        yield from _forms(child)
