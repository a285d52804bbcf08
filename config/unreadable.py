"""Requests that nothing could be read from, told before Django makes a request of them."""

import codecs
from typing import Any

from django.utils.http import parse_header_parameters

#: The note of `set_unreadable_aside` in a WSGI environment.
UNREADABLE = "console.unreadable"
_ENCODINGS = frozenset({"utf-8", "ascii"})


def set_unreadable_aside(environ: dict[str, Any]) -> None:
    """Replace a content type that Django could not make a request of by a note for the middleware.

    Django decodes the query while it makes the request, so that an encoding which always fails
    ends in an error before any middleware is asked.
    """
    if not is_readable(environ.get("CONTENT_TYPE", "")):
        environ["CONTENT_TYPE"] = ""
        environ[UNREADABLE] = True


def is_readable(content_type: str) -> bool:
    """Whether text of this content type is in UTF-8, as browsers send it.

    Python knows many more encodings; some are none of text, and some fail whatever they are given.
    """
    try:
        _type, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset", "utf-8")).name in _ENCODINGS
    except (LookupError, ValueError):
        return False
