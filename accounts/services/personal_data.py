"""Everything that is stored about one person, for the person: a JSON file in a ZIP archive.

Keys are stable and English; instants are ISO 8601 in UTC; what belongs to an account names its
UIN. Secrets, such as passwords, keys of second factors and of sessions, are not in it.
"""

import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import AuditEvent, Invitation, Membership, Notification, PendingAccount, User
from accounts.row_security import beyond_tenancy
from accounts.services.audit import Event, record

#: Raised when a key changes its name or its meaning.
FORMAT = 1
FILE_NAME = "personal-data.json"
#: Rows read from the database at a time.
_CHUNK = 1000
#: Bytes that are kept in memory before the archive goes to a file.
_IN_MEMORY = 1024 * 1024

Row = Mapping[str, Any]


def _profile(user: User) -> Row:
    return {
        "number": user.pk,
        "email": user.email,
        "name": user.name,
        "language": user.language,
        "theme": user.theme,
        "is_active": user.is_active,
        "is_staff": user.is_staff,
        "groups": sorted(user.groups.values_list("name", flat=True)),
        "joined_at": user.date_joined,
        "last_sign_in_at": user.last_login,
    }


def _addresses(user: User) -> Iterable[Row]:
    rows = EmailAddress.objects.filter(user_id=user.pk).order_by("pk")
    return rows.values("email", "verified", "primary")


def _memberships(user: User) -> Iterator[Row]:
    for row in Membership.objects.filter(user=user).select_related("account").order_by("pk"):
        account = row.account
        yield {
            "account": account.uin,
            "name": account.name,
            "role": row.role,
            "since": row.created_at,
        }


def _pending_account(user: User) -> Iterable[Row]:
    rows = PendingAccount.objects.filter(user=user)
    return rows.values("entity_name", "kind", "registration_number", "account_name", "created_at")


def _factors(user: User) -> Iterable[Row]:
    rows = Authenticator.objects.filter(user_id=user.pk).order_by("pk")
    return rows.values("type", "created_at", "last_used_at")


def _sessions(user: User) -> Iterable[Row]:
    rows = UserSession.objects.filter(user_id=user.pk).order_by("pk")
    return rows.values("ip", "user_agent", "created_at", "last_seen_at")


def _invitations(user: User) -> Iterator[Row]:
    """Yield what was sent to an address of the person, or accepted by the person."""
    addresses = {
        user.email,
        *EmailAddress.objects.filter(user_id=user.pk).values_list("email", flat=True),
    }
    own = Q(email__in=addresses) | Q(accepted_by=user)
    for row in Invitation.objects.filter(own).select_related("account").order_by("pk"):
        yield {
            "account": row.account.uin,
            "email": row.email,
            "role": row.role,
            "invited_at": row.created_at,
            "expires_at": row.expires_at,
            "accepted_at": row.accepted_at,
            "withdrawn_at": row.withdrawn_at,
        }


def _notifications(user: User) -> Iterator[Row]:
    rows = Notification.objects.filter(user=user).select_related("account")
    for row in _in_chunks(rows):
        yield {
            "account": row.account.uin,
            "kind": row.kind,
            "details": row.params,
            "created_at": row.created_at,
            "read_at": row.read_at,
            "sent_at": row.sent_at,
        }


def _acts(user: User) -> Iterator[Row]:
    """Yield what the audit trail says that the person did."""
    for row in _in_chunks(AuditEvent.objects.filter(actor=user).select_related("account")):
        yield {
            "at": row.at,
            "account": row.account.uin if row.account else None,
            "what": row.verb,
            "object": row.target_type,
            "object_id": row.target_id,
            "object_name": row.target_label,
            "from": row.from_state,
            "to": row.to_state,
            "reason": row.reason,
            "details": row.data,
        }


def _in_chunks(rows: "QuerySet[Any]") -> Iterator[Any]:
    """Yield the rows by their keys without holding them all in memory, on any connection."""
    last = 0
    while found := list(rows.filter(pk__gt=last).order_by("pk")[:_CHUNK]):
        yield from found
        last = found[-1].pk


#: The lists of the file, by their keys.
LISTS: Mapping[str, Callable[[User], Iterable[Row]]] = {
    "addresses": _addresses,
    "memberships": _memberships,
    "pending_accounts": _pending_account,
    "invitations": _invitations,
    "second_factors": _factors,
    "sessions": _sessions,
    "notifications": _notifications,
    "acts": _acts,
}


@transaction.atomic
@beyond_tenancy()
def export_person(*, user: User, reason: str = "", by: User, now: datetime) -> IO[bytes]:
    """Return an open file with everything about `user`; the audit trail tells that it was made."""
    event = Event(verb="user.exported", target=user, reason=reason)
    record([event], account=None, by=by, now=now)
    archive = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - the caller's
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        info = zipfile.ZipInfo(FILE_NAME, now.timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED
        with packed.open(info, "w", force_zip64=True) as file:
            for text in _write(user, now):
                file.write(text.encode())
    archive.seek(0)
    return archive


def archive_name(user: User) -> str:
    """Return the name under which a person's file is saved."""
    return f"personal-data-{user.pk}.zip"


def _write(user: User, now: datetime) -> Iterator[str]:
    """Yield the JSON, piece by piece, with one row on each line."""
    head = {"format": FORMAT, "exported_at": now, "profile": _profile(user)}
    yield _json(head).removesuffix("}")
    for name, read in LISTS.items():
        yield f',\n"{name}": ['
        for number, row in enumerate(read(user)):
            yield f"{',' if number else ''}\n{_json(row)}"
        yield "\n]"
    yield "\n}\n"


class _Encoder(DjangoJSONEncoder):
    """Writes instants in UTC and with all their digits."""

    def default(self, o: Any) -> Any:
        if isinstance(o, datetime):
            return o.astimezone(UTC).isoformat()
        return super().default(o)


def _json(value: Any) -> str:
    return json.dumps(value, cls=_Encoder, ensure_ascii=False)
