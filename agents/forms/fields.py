"""What several forms share."""

from django import forms

from accounts.errors import Refused
from agents.errors import DetailsRefused


class RefusableForm(forms.Form):
    """A form that shows what a service refuses beside the field at fault."""

    def refuse(self, refusal: Refused) -> None:
        """Show a refusal beside its fields, or above them all."""
        problems = {refusal.field or "": str(refusal)}
        if isinstance(refusal, DetailsRefused):
            problems = refusal.problems
        for field, message in problems.items():
            self.add_error(field if field in self.fields else None, message)
