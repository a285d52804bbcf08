"""Taking secrets out of what is sent away."""

from collections.abc import Mapping
from typing import Any

from config.logs import mask_secrets


def masked(value: Any) -> Any:
    """Return a copy of nested data with the secrets taken out of each text."""
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, Mapping):
        return {name: masked(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [masked(part) for part in value]
    return value
