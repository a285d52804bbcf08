"""Indexes that several tables have in common."""

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models.expressions import OrderBy
from django.db.models.functions import Upper


def beginning_of(field: str, *, name: str) -> models.Index:
    """Return an index that finds rows by the beginning of a text, in any case (`istartswith`)."""
    return models.Index(OpClass(Upper(field), name="text_pattern_ops"), name=name)


class IndexedBeginning(OrderBy):
    """The order in which an index of `beginning_of(field)` holds its rows.

    As many as wanted are read off that index, wherever in the table they lie: without an order the
    database may start at the table's first row and meet none of them for long.
    """

    # Django looks for a direction at the end, and PostgreSQL wants none beside an operator.
    template = "%(expression)s USING OPERATOR(pg_catalog.~<~) /* %(ordering)s */"

    def __init__(self, field: str) -> None:
        super().__init__(Upper(field))
