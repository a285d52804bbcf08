"""Fields and behavior that the forms of this app share."""

from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.generics import Upload
from compliance.services.cases import TEXT_LIMIT
from compliance.services.evidence import FILES_AT_ONCE


class LongTextField(forms.CharField):
    """Several lines, as much as a case keeps."""

    def __init__(self, *, rows: int = 5, **options: Any) -> None:
        super().__init__(
            max_length=TEXT_LIMIT, widget=forms.Textarea(attrs={"rows": rows}), **options
        )


#: The size limit in words, in the language of the page.
_size_limit: Any = lazy(lambda: filesizeformat(settings.EVIDENCE_MAX_BYTES), str)


class _FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; `cleaned_data` has a list. Whether they are accepted, services say."""

    widget = _FilesInput

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            allow_empty_file=True,
            help_text=format_lazy(
                _("PDF, pictures, recordings or plain text; at most {count} files of {size} each."),
                count=FILES_AT_ONCE,
                size=_size_limit(),
            ),
            **options,
        )

    def clean(self, data: Any, initial: Any = None) -> list[Upload]:
        """Return the files, an empty list for none."""
        given = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in given if file]
