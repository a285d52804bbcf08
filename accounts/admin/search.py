"""Search in the administration that an index can answer, however long the table."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured, ValidationError
from django.db.models import Field, Model, Q, QuerySet

from accounts.models.indexes import IndexedBeginning

#: A beginning that fits more rows, or more related ones, than this is too short to search by.
LIMIT = 200


@dataclass(frozen=True)
class SearchableField:
    """One way to find a row: by a field's beginning (`^name`) or its whole value (`=number`)."""

    path: str
    is_exact: bool

    @classmethod
    def parse(cls, text: str) -> "SearchableField":
        """Read Django's notation. Anything that needs a full scan is refused."""
        if text[:1] not in {"^", "="} or text.count("__") > 1:
            raise ImproperlyConfigured(
                f"search_fields: {text!r} must be ^field or =field, at most one relation away."
            )
        return cls(path=text[1:], is_exact=text[0] == "=")

    def matches(self, model: type[Model], term: str) -> tuple[Q | None, bool]:
        """Return the condition (None: matches nothing) and whether rows were left out.

        Rows that begin so are looked up first, related ones always: no condition over two columns
        or two tables is left, in which the database would have to choose between their indexes.
        """
        relation, _sep, name = self.path.partition("__")
        if not name:
            return self._own(model, relation, term)
        related: Any = model._meta.get_field(relation).related_model
        condition = self._condition(related, name, term)
        if condition is None:
            return None, False
        is_tenants = relation != "account" and _has_account(model) and _has_account(related)
        rows = self._rows(related, name, condition)
        found = list(rows.values_list("pk", "account" if is_tenants else "pk")[: LIMIT + 1])
        keys = found[:LIMIT]
        condition = Q(**{f"{relation}__in": [key for key, _account in keys]})
        if is_tenants:
            # Of the same account, since it is what the indexes of a tenant's rows begin with.
            condition &= Q(account__in=sorted({account for _key, account in keys}))
        return condition, len(found) > LIMIT

    def _own(self, model: type[Model], name: str, term: str) -> tuple[Q | None, bool]:
        condition = self._condition(model, name, term)
        if condition is None or self.is_exact:
            return condition, False
        found = list(self._rows(model, name, condition).values_list("pk", flat=True)[: LIMIT + 1])
        return Q(pk__in=found[:LIMIT]), len(found) > LIMIT

    def _condition(self, model: type[Model], name: str, term: str) -> Q | None:
        if not self.is_exact:
            return Q(**{f"{name}__istartswith": term})
        return _equals(model._meta.get_field(name), name, term)

    def _rows(self, model: type[Model], name: str, condition: Q) -> QuerySet[Any]:
        """Return the rows in the order in which the index finds them."""
        order = [] if self.is_exact else [IndexedBeginning(name)]
        return model._default_manager.filter(condition).order_by(*order)


def _has_account(model: Any) -> bool:
    """Whether each row of a table is of an account."""
    return any(field.name == "account" and not field.null for field in model._meta.fields)


def _equals(field: Any, name: str, term: str) -> Q | None:
    try:
        value = field.to_python(term) if isinstance(field, Field) else term
    except (ValidationError, ValueError, FieldDoesNotExist):
        return None
    return Q(**{name: value})


def search(model: type[Model], fields: list[SearchableField], term: str) -> tuple[Q | None, bool]:
    """Return the condition under which a row matches `term`, None where none can."""
    found: Q | None = None
    is_cut = False
    for field in fields:
        condition, cut = field.matches(model, term)
        is_cut = is_cut or cut
        if condition is not None:
            found = condition if found is None else found | condition
    return found, is_cut
