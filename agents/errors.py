"""Refusals that carry more than one sentence."""

from collections.abc import Mapping

from django.utils.functional import Promise

from accounts.errors import Refused


class DetailsRefused(Refused):
    """Fields cannot be stored as they are; `problems` maps each field at fault to a sentence."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        field, message = next(iter(problems.items()))
        super().__init__(message, code="details_refused", field=field)
        self._problems = dict(problems)

    @property
    def problems(self) -> Mapping[str, str | Promise]:
        return self._problems


class LicensesMissing(Refused):
    """There are fewer free licenses than the act needs; `missing` says how many fewer."""

    def __init__(self, message: str, *, needed: int, free: int) -> None:
        super().__init__(message, code="licenses_missing", field="license")
        self.needed = needed
        self.free = free

    @property
    def missing(self) -> int:
        """How many licenses would have to be bought or freed."""
        return self.needed - self.free
