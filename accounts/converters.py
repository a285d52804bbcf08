"""What may stand in a console address; anything else is no address at all."""

from django.urls.converters import StringConverter


class UinConverter(StringConverter):
    """An account's UIN: 12 ASCII digits."""

    regex = "[0-9]{12}"


class SdkAppIdConverter:
    """An application's SDKAppID: 10 ASCII digits."""

    regex = "[1-9][0-9]{9}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """Return the digits."""
        return str(value)
