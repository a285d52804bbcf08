"""How an evidence file leaves the console: always to be saved, never to be shown as a page."""

import codecs
from typing import IO

from django.http import FileResponse, Http404

from compliance.enums import FileKind
from compliance.files import HEAD_BYTES
from compliance.models import Evidence


def _charset(evidence: Evidence, content: IO[bytes]) -> str:
    """Return the parameter that names a text's encoding, where it is certain."""
    if evidence.content_type != FileKind.TEXT:
        return ""
    head = content.read(HEAD_BYTES)
    content.seek(0)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return ""
    return "; charset=utf-8"


def send_file(evidence: Evidence) -> FileResponse:
    """Return a file so that no browser ever shows or runs it as a page of ours.

    The kind is the one that was found by the content. Raises Http404 where the store has lost it.
    """
    try:
        content = evidence.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    response = FileResponse(
        content,
        as_attachment=True,
        filename=evidence.name,
        content_type=f"{evidence.content_type}{_charset(evidence, content)}",
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
