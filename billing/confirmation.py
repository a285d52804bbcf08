"""Signed confirmations: what a customer was shown is what is carried out, and only once.

A quote, of an order or of a refund, is shown with a token. It says what it is for, proves what was
promised, and has a key of its own, by which the same confirmation sent twice is recognized.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from accounts.errors import Refused


@dataclass(frozen=True)
class Confirmation:
    """What a confirm form carries.

    `subject` is the key of the row that it is for, `details` are plain data beside the proof.
    """

    key: uuid.UUID
    subject: int
    digest: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def sign(self, purpose: str) -> str:
        """Return the token; one that was signed for another purpose is not accepted."""
        return signing.dumps(
            {
                "key": str(self.key),
                "subject": self.subject,
                "digest": self.digest,
                "details": self.details,
            },
            salt=purpose,
            compress=True,
        )


def read_confirmation(token: str, *, purpose: str, subject: int) -> Confirmation:
    """Return what a token carries. Raises Refused where it is damaged, or for something else."""
    try:
        data = signing.loads(token, salt=purpose)
    except (signing.BadSignature, ValueError, UnicodeError) as error:
        raise _not_from_this_page() from error
    if data["subject"] != subject:
        raise _not_from_this_page()
    return Confirmation(uuid.UUID(data["key"]), subject, data["digest"], data["details"])


def _not_from_this_page() -> Refused:
    return Refused(
        _("This confirmation did not come from this page. Nothing was changed. Start again."),
        code="bad_quote",
    )


def digest_of(promised: Mapping[str, Any]) -> str:
    """Return a short proof of plain data, so that a token stays small."""
    canonical = json.dumps(promised, sort_keys=True, default=list)
    return hashlib.sha256(canonical.encode()).hexdigest()
