"""Columns that hold another column's text as it is compared (`accounts.text`).

PostgreSQL's idea of small letters is not Python's, so the database never folds: it compares,
finds and sorts what is stored here. The column is filled on every save and bulk_create, and
ordered by code point, whatever the operating system's alphabet. A statement that writes the
source column past the model (`update`, raw SQL) has to write this one, too.
"""

from typing import Any

from django.db import models

from accounts import text
from accounts.generics import PlainTextField


class FoldedField(PlainTextField):
    """The folded text of the column `source`; never edited on its own."""

    def __init__(self, source: str, **options: Any) -> None:
        self.source = source
        options |= {"editable": False, "db_collation": "C"}
        super().__init__(**options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        del options["editable"], options["db_collation"]
        return name, path, [self.source, *args], options

    def key_of(self, value: str) -> str:
        """Return what stands for `value`."""
        return text.fold(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        """Fold the source column, whatever the attribute held."""
        key = self.key_of(getattr(model_instance, self.source))
        setattr(model_instance, self.attname, key)
        return key


class EmailKeyField(FoldedField):
    """An address as it is compared."""

    def key_of(self, value: str) -> str:
        """Return what stands for the address."""
        return text.email_key(value)


class FoldingModel(models.Model):
    """A model with such columns: they are saved whenever their source is."""

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        names = options.get("update_fields")
        if names is not None:
            keys = {
                field.name
                for field in self._meta.concrete_fields
                if isinstance(field, FoldedField) and field.source in names
            }
            options["update_fields"] = {*names, *keys}
        super().save(*args, **options)
