"""Classes of Django with the parameters that only mypy knows them to have.

At run time they take none, so that a class statement cannot name any. Those of the
administration are in `accounts.admin.generics`, since models must not import it.
"""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Page, Paginator
from django.db.models import TextField
from django.forms import ModelMultipleChoiceField

if TYPE_CHECKING:
    AnyPage = Page[Any]
    AnyPaginator = Paginator[Any]
    GroupsChoiceField = ModelMultipleChoiceField[Group]
    PlainTextField = TextField[str, str]
    Upload = UploadedFile[bytes]
else:
    AnyPage = Page
    AnyPaginator = Paginator
    GroupsChoiceField = ModelMultipleChoiceField
    PlainTextField = TextField
    Upload = UploadedFile
