"""Rows of models by SQL of our own, for the few reads of which every purchase and refund consists.

Compiling a queryset anew costs several times what PostgreSQL needs to answer it. Here the text
is fixed, so the columns are put in once and the driver can prepare it.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Model


class Rows:
    """A SELECT that gives whole rows of models.

        PLACED = Rows("SELECT {o} FROM billing_order o WHERE o.key = %s", o=Order)

    `{o}` stands for all columns of the model under the alias `o`; models come first, in the order
    of the arguments, and what is selected after them is given as it is. Calling it with the
    parameters returns a list for each row: its instances (None where an outer join found
    nothing), then the rest.
    """

    def __init__(self, text: str, **models: type[Model]) -> None:
        self._text = text
        self._models = models

    @cached_property
    def _sql(self) -> str:
        return self._text.format(
            **{
                alias: ", ".join(
                    f'{alias}."{field.column}"' for field in model._meta.concrete_fields
                )
                for alias, model in self._models.items()
            }
        )

    @cached_property
    def _makers(self) -> list["_Maker"]:
        return [_Maker(model) for model in self._models.values()]

    def __call__(self, *params: Any) -> list[list[Any]]:
        with connection.cursor() as cursor:
            cursor.execute(self._sql, params)
            return [self._read(row) for row in cursor.fetchall()]

    def _read(self, row: Sequence[Any]) -> list[Any]:
        read: list[Any] = []
        start = 0
        for maker in self._makers:
            end = start + maker.width
            read.append(maker(row[start:end]))
            start = end
        return [*read, *row[start:]]


class _Maker:
    """Makes instances of one model from its columns."""

    def __init__(self, model: type[Model]) -> None:
        fields = model._meta.concrete_fields
        self._model = model
        self._names = [field.attname for field in fields]
        self._key = next(place for place, field in enumerate(fields) if field.primary_key)
        self._converters: list[tuple[int, Callable[..., Any], Any]] = [
            (place, convert, field.get_col(model._meta.db_table))
            for place, field in enumerate(fields)
            for convert in field.get_db_converters(connection)
        ]
        self.width = len(fields)

    def __call__(self, row: Sequence[Any]) -> Model | None:
        if row[self._key] is None:
            return None
        values = list(row)
        for place, convert, column in self._converters:
            values[place] = convert(values[place], column, connection)
        return self._model.from_db(connection.alias, self._names, values)
