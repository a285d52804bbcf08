"""Classes of Django's administration with the parameters that only mypy knows them to have."""

from typing import TYPE_CHECKING

from django.contrib.admin import ModelAdmin, TabularInline
from django.db.models import Model

if TYPE_CHECKING:
    PlainAdmin = ModelAdmin[Model]
    PlainInline = TabularInline[Model, Model]
else:
    PlainAdmin = ModelAdmin
    PlainInline = TabularInline
