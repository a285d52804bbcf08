"""Indexes that several tables have in common."""

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.functions import Upper


def beginning_of(field: str, *, name: str) -> models.Index:
    """Return an index that finds rows by the beginning of a text, in any case (`istartswith`)."""
    return models.Index(OpClass(Upper(field), name="text_pattern_ops"), name=name)
