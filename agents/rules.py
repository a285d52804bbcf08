"""The shapes of an agent's fields (ADR 0041), held by forms, by imports and by the database."""

import re

from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

NAME_LENGTH = 64
STAFF_NUMBER_LENGTH = 32
GROUP_NAME_LENGTH = 64

#: 4 to 6 digits; 0 and 9 lead to outside lines and services.
EXTENSION_PATTERN = r"^[1-8][0-9]{3,5}$"
#: E.164: a plus sign, a country code that does not begin with 0, 15 digits at most.
PHONE_PATTERN = r"^\+[1-9][0-9]{5,14}$"

validate_extension = RegexValidator(
    re.compile(EXTENSION_PATTERN[:-1] + r"\Z"),
    _("Enter 4 to 6 digits. The first digit must be 1 to 8."),
    code="extension",
)
validate_phone = RegexValidator(
    re.compile(PHONE_PATTERN[:-1] + r"\Z"),
    _("Enter the number with a plus sign and its country code, for example +8613800138000."),
    code="phone",
)
