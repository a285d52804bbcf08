"""Evidence files: what is accepted, how it is kept, and who may have it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.base import File
from django.db import IntegrityError, transaction
from django.db.models import Q, Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.generics import Upload
from accounts.models import Account, User
from accounts.services.audit import Event, record
from compliance.enums import FileKind
from compliance.files import HEAD_BYTES, clean_name, fits_ending, sniff
from compliance.models import Appeal, ConnectionRequest, Evidence, Violation
from compliance.services.cases import lock_case_for_staff, record_case

#: So many files in one upload, so that one form cannot fill the store.
FILES_AT_ONCE = 10


@dataclass(frozen=True)
class CheckedFile:
    """An upload that was found to be acceptable."""

    upload: Upload
    name: str
    kind: FileKind
    size: int
    sha256: str


def _refuse_file(name: str, message: str, code: str) -> Refused:
    return Refused(f"{name}: {message}", code=code, field="attachments")


def check_file(upload: Upload) -> CheckedFile:
    """Look at a file's size, content and name.

    Raises Refused (field "attachments") where it is empty, larger than
    `settings.EVIDENCE_MAX_BYTES`, of a kind that is not accepted, or called something else
    than it is.
    """
    name = clean_name(upload.name or "")
    limit = settings.EVIDENCE_MAX_BYTES
    if upload.size is None or upload.size > limit:
        raise _refuse_file(
            name,
            _("a file can have at most %(limit)s.") % {"limit": filesizeformat(limit)},
            "too_large",
        )
    if upload.size == 0:
        raise _refuse_file(name, _("the file is empty."), "empty")
    upload.seek(0)
    kind = sniff(upload.read(HEAD_BYTES))
    if kind is None:
        raise _refuse_file(
            name,
            _("only PDF, pictures, recordings and plain text are accepted."),
            "kind_not_accepted",
        )
    if not fits_ending(name, kind):
        raise _refuse_file(
            name,
            _("the content is a %(kind)s, so the file name must end accordingly.")
            % {"kind": kind.label},
            "name_deceives",
        )
    upload.seek(0)
    digest = hashlib.file_digest(upload, "sha256").hexdigest()
    upload.seek(0)
    return CheckedFile(upload, name, kind, upload.size, digest)


def check_files(uploads: Iterable[Upload]) -> list[CheckedFile]:
    """Look at all files of a form. Raises Refused for too many, a repeat, or any one's fault."""
    listed = list(uploads)
    if len(listed) > FILES_AT_ONCE:
        raise Refused(
            _("Upload at most %(count)d files at a time.") % {"count": FILES_AT_ONCE},
            code="too_many_files",
            field="attachments",
        )
    checked = [check_file(upload) for upload in listed]
    seen: set[str] = set()
    for file in checked:
        if file.sha256 in seen:
            raise _refuse_file(file.name, _("this file has already been added."), "same_file")
        seen.add(file.sha256)
    return checked


def require_room(*, account: Account, files: Iterable[CheckedFile], now: datetime) -> None:
    """Raise Refused (field "attachments") where an account's own files would take up too much.

    What staff attach does not count. The caller holds the account's lock.
    """
    adding = sum(file.size for file in files)
    if not adding:
        return
    own = Evidence.objects.filter(account=account, violation=None)
    sent = own.aggregate(
        total=Sum("size", default=0),
        lately=Sum("size", default=0, filter=Q(uploaded_at__gt=now - timedelta(days=1))),
    )
    if sent["total"] + adding > settings.EVIDENCE_ACCOUNT_BYTES:
        raise Refused(
            _(
                "This account's files can take up %(limit)s in all, and %(left)s are "
                "left. Upload fewer or smaller files, or ask our staff for more space."
            )
            % _room(settings.EVIDENCE_ACCOUNT_BYTES, sent["total"]),
            code="store_full",
            field="attachments",
        )
    if sent["lately"] + adding > settings.EVIDENCE_DAILY_BYTES:
        raise Refused(
            _(
                "An account can upload files of %(limit)s in 24 hours, and %(left)s are "
                "left. Upload fewer or smaller files, or upload the others tomorrow."
            )
            % _room(settings.EVIDENCE_DAILY_BYTES, sent["lately"]),
            code="too_much_today",
            field="attachments",
        )


def _room(limit: int, used: int) -> dict[str, str]:
    return {"limit": filesizeformat(limit), "left": filesizeformat(max(0, limit - used))}


def keep_file(
    checked: CheckedFile,
    *,
    owner: Violation | Appeal | ConnectionRequest,
    is_disclosed: bool,
    by: User | None,
    now: datetime,
) -> Evidence:
    """Store a checked file with what it proves. The caller holds the account's lock.

    Raises Refused where the very same content is there already.
    """
    evidence = Evidence(
        account_id=owner.account_id,
        name=checked.name,
        content_type=checked.kind,
        size=checked.size,
        sha256=checked.sha256,
        is_disclosed=is_disclosed,
        uploaded_by=by,
        uploaded_at=now,
        **{_OWNER[type(owner)]: owner},
    )
    evidence.file.save(checked.name, File(checked.upload), save=False)
    try:
        with transaction.atomic():
            evidence.save(force_insert=True)
    except IntegrityError as error:
        evidence.file.storage.delete(str(evidence.file.name))
        raise _refuse_file(
            checked.name, _("this file has already been added."), "same_file"
        ) from error
    return evidence


_OWNER: dict[type[Violation | Appeal | ConnectionRequest], str] = {
    Violation: "violation",
    Appeal: "appeal",
    ConnectionRequest: "connection",
}


@transaction.atomic
def attach_evidence(
    *,
    violation: Violation,
    upload: Upload,
    is_disclosed: bool,
    by: User,
    now: datetime,
) -> Evidence:
    """Add a file to a case, in whatever state it is: proof may turn up late.

    `is_disclosed` says whether the customer may see it.
    """
    case = lock_case_for_staff(violation, by=by, now=now)
    evidence = keep_file(check_file(upload), owner=case, is_disclosed=is_disclosed, by=by, now=now)
    attached = Event(
        verb="violation.evidence_attached",
        target=case,
        data={"file": evidence.name, "sha256": evidence.sha256, "is_disclosed": is_disclosed},
    )
    record_case([attached], case=case, by=by, now=now)
    return evidence


@transaction.atomic
def disclose_evidence(
    *, evidence: Evidence, is_disclosed: bool, by: User, now: datetime
) -> Evidence:
    """Show a case's file to the customer, or hide it again. What customers sent stays shown."""
    if evidence.violation is None:
        raise Refused(_("The customer's own files are always shown."), code="own_file")
    case = lock_case_for_staff(evidence.violation, by=by, now=now)
    changed = Evidence.objects.filter(pk=evidence.pk, is_disclosed=not is_disclosed).update(
        is_disclosed=is_disclosed
    )
    if changed:
        evidence.is_disclosed = is_disclosed
        shown = Event(
            verb="violation.evidence_disclosed" if is_disclosed else "violation.evidence_hidden",
            target=case,
            data={"file": evidence.name, "sha256": evidence.sha256},
        )
        record_case([shown], case=case, by=by, now=now)
    return evidence


def record_access(*, evidence: Evidence, by: User, now: datetime) -> None:
    """Write down that a member of staff took a file of a customer."""
    event = Event(verb="evidence.read", target=evidence)
    record([event], account=evidence.account, by=by, now=now)
