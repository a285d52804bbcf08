"""What may stand in addresses of compliance; anything else is no address at all."""

from django.urls.converters import StringConverter


class CaseNumberConverter(StringConverter):
    """The number of a violation case: V- and digits."""

    regex = "V-[0-9]{1,12}"


class ConnectionNumberConverter(StringConverter):
    """The number of a connection request: C- and digits."""

    regex = "C-[0-9]{1,12}"
