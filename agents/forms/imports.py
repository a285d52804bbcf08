"""Sending a file of agents."""

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.fields import RefusableForm
from agents.enums import ImportMode


class ImportForm(RefusableForm):
    """The file, and what to do with staff numbers that are in use."""

    file = forms.FileField(
        label=_("File"),
        help_text=_(
            "An XLSX or CSV file with the columns of the template. In a workbook, the "
            "sheet that was last open is read."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.xlsx,text/csv"}),
    )
    mode = forms.ChoiceField(
        label=_("Import mode"),
        choices=ImportMode.choices,
        initial=ImportMode.ADD.value,
        widget=forms.RadioSelect,
    )
