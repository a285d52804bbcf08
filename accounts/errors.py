"""Refusals that a service gives; a door (view, admin, command) shows them to the person."""

from collections.abc import Mapping

from django.utils.functional import Promise


class Refused(Exception):
    """A service will not do what was asked, with a sentence that says why and what to do.

    `code` is a stable word for tests and callers, `field` the form field at fault, if any.
    """

    def __init__(self, message: str | Promise, *, code: str, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.field = field

    def __str__(self) -> str:
        return str(self.message)

    @property
    def problems(self) -> Mapping[str, str | Promise]:
        """The sentences by form field; under "" what concerns no field."""
        return {self.field or "": self.message}


class Busy(Exception):
    """A row stayed locked for as long as a request waits, or enough others wait for it already.

    The transaction changed nothing.
    """

    def __str__(self) -> str:
        return "waited for too long" if self.__cause__ else "enough requests wait for the same row"
