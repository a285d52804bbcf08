"""How an evidence file leaves the console: always to be saved, never to be shown as a page."""

from django.http import FileResponse, Http404

from compliance.enums import FileKind
from compliance.models import Evidence


def send_file(evidence: Evidence) -> FileResponse:
    """Return a file so that no browser ever shows or runs it as a page of ours.

    The kind is the one that was found by the content. Raises Http404 where the store has lost it.
    """
    try:
        content = evidence.file.open("rb")
    except FileNotFoundError as error:
        raise Http404 from error
    is_text = evidence.content_type == FileKind.TEXT
    response = FileResponse(
        content,
        as_attachment=True,
        filename=evidence.name,
        content_type=f"{evidence.content_type}; charset=utf-8"
        if is_text
        else evidence.content_type,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "private, no-store"
    return response
