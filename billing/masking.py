"""How much of another account's name may be read by an account that deals with it."""

_STARS = "***"
#: A name this short would be given away by its two ends.
_SHORT = 4


def mask_name(name: str) -> str:
    """Return the ends of a name with stars between: `Harbour Retail` gives `H***l`.

    The number of stars says nothing about the length, and a short name shows its first sign only
    (ADR 0048).
    """
    signs = name.strip()
    if not signs:
        return _STARS
    return signs[0] + _STARS + (signs[-1] if len(signs) > _SHORT else "")
