"""A tenant whose rows are locked gets an answer, and a way to try again."""

from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse

from accounts.models import Account, Invitation
from accounts.services.tenants import lock_account
from config.outages import RETRY_SECONDS
from config.urls import urlpatterns as console
from tests.factories import make_account, make_user
from tests.races import errors, race


@transaction.atomic
def lock_group(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '100ms'")
    Group.objects.select_for_update().get()
    return HttpResponse("locked")


def break_query(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT no_such_column")
    return HttpResponse("unreachable")


lock_group.login_required = False  # type: ignore[attr-defined]
break_query.login_required = False  # type: ignore[attr-defined]
urlpatterns = [*console, path("lock/", lock_group), path("break/", break_query)]


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_a_locked_row_is_answered_with_503() -> None:
    Group.objects.all().delete()
    Group.objects.create(name="one")
    with transaction.atomic():
        Group.objects.select_for_update().get()

        [outcome] = race(lambda: Client().get("/lock/"))

    assert outcome.value is not None
    assert outcome.value.status_code == 503
    assert int(outcome.value.headers["Retry-After"]) in RETRY_SECONDS
    assert "Try again" in outcome.value.text
    assert Client().get("/lock/").text == "locked"


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_other_errors_of_the_database_are_not_hidden() -> None:
    [error] = errors(race(lambda: Client().get("/break/")))

    assert isinstance(error, DatabaseError)


# --- A form that could not be carried out is sent again with what was typed ------------------


@pytest.fixture
def account(transactional_db: None, settings: Any) -> Account:
    settings.LOCK_WAIT_SECONDS = 0.1
    return make_account(owner=make_user("owner@example.com"))


@pytest.fixture
def owner(account: Account) -> Client:
    """The owner's browser, which has to prove where its forms come from."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(account.memberships.get().user)
    return client


class Form(HTMLParser):
    """The one form by POST of a page: where it goes, and all its fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: list[tuple[str, str]] = []
        self.is_inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("method") == "post" and "data-keep" in values:
            self.action, self.is_inside = values["action"], True
        elif self.is_inside and tag == "input":
            self.fields.append((values["name"], values.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        self.is_inside = self.is_inside and tag != "form"


@contextmanager
def locked(account: Account) -> Iterator[None]:
    with transaction.atomic():
        lock_account(account.pk)
        yield


def send(client: Client, url: str, fields: list[tuple[str, str]], **more: Any) -> Any:
    """Send a form as a browser does, over a connection of its own."""

    def post() -> Any:
        return client.post(
            url, urlencode(fields), content_type="application/x-www-form-urlencoded", **more
        )

    [outcome] = race(post)
    assert outcome.error is None, outcome.error
    return outcome.value


def token(client: Client, url: str) -> str:
    return str(client.get(url).context["csrf_token"])


@pytest.mark.django_db(transaction=True)
class TestKept:
    def test_what_was_typed_is_sent_again_by_a_button(
        self, account: Account, owner: Client
    ) -> None:
        url = reverse("accounts:member_invite", kwargs={"uin": account.uin}) + "?from=members"
        typed = [("email", "o'neil@example.com"), ("role", "finance"), ("note", '<b>"\n é')]
        fields = [("csrfmiddlewaretoken", token(owner, url)), *typed]
        with locked(account):
            answer = send(owner, url, fields)
        form = Form(answer.text)

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) in RETRY_SECONDS
        assert form.action == url
        assert form.fields[0][0] == "csrfmiddlewaretoken"
        assert form.fields[1:] == typed
        assert not Invitation.objects.exists()

        again = send(owner, form.action, form.fields)

        assert again.status_code == 302
        assert Invitation.objects.get().email == "o'neil@example.com"

    def test_the_button_needs_the_token_as_any_form_does(
        self, account: Account, owner: Client
    ) -> None:
        url = reverse("accounts:member_invite", kwargs={"uin": account.uin})
        typed = [("email", "new@example.com"), ("role", "finance")]
        fields = [("csrfmiddlewaretoken", token(owner, url)), *typed]
        with locked(account):
            answer = send(owner, url, fields)
        form = Form(answer.text)

        stranger = Client(enforce_csrf_checks=True)
        stranger.force_login(make_user())

        assert send(owner, form.action, form.fields[1:]).status_code == 403
        assert send(stranger, form.action, form.fields).status_code == 403

    def test_a_form_without_its_token_is_not_handed_back(
        self, account: Account, owner: Client
    ) -> None:
        url = reverse("accounts:member_invite", kwargs={"uin": account.uin})
        with locked(account):
            answer = send(owner, url, [("email", "forged@example.com"), ("role", "owner")])

        assert answer.status_code == 403
        assert "forged@example.com" not in answer.text

    def test_a_dialog_is_told_to_try_again(self, account: Account, owner: Client) -> None:
        url = reverse("accounts:member_invite", kwargs={"uin": account.uin})
        fields = [
            ("csrfmiddlewaretoken", token(owner, url)),
            ("email", "new@example.com"),
            ("role", "finance"),
        ]
        with locked(account):
            answer = send(owner, url, fields, headers={"HX-Request": "true"})

        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) in RETRY_SECONDS
        # `dialog.js` has words of its own for a locked row, and leaves the dialog as it is.
        assert "X-Problem" not in answer.headers


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"file": SimpleUploadedFile("agents.csv", b"name")}, "Files cannot be kept here."),
        ({"password": "a secret"}, "Passwords and codes are not kept here."),
    ],
    ids=["file", "password"],
)
def test_what_cannot_be_kept_is_said(data: dict[str, Any], words: str) -> None:
    Group.objects.all().delete()
    Group.objects.create(name="one")
    with transaction.atomic():
        Group.objects.select_for_update().get()

        [outcome] = race(lambda: Client().post("/lock/", {"name": "kept", **data}))

    assert outcome.value is not None
    assert outcome.value.status_code == 503
    assert words in outcome.value.text
    assert Form(outcome.value.text).fields == []
    assert "a secret" not in outcome.value.text
