"""A tenant whose rows are locked gets an answer, and a way to try again."""

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from config.urls import urlpatterns as console
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
    assert outcome.value.headers["Retry-After"] == "3"
    assert "Try again" in outcome.value.text
    assert Client().get("/lock/").text == "locked"


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True)
def test_other_errors_of_the_database_are_not_hidden() -> None:
    [error] = errors(race(lambda: Client().get("/break/")))

    assert isinstance(error, DatabaseError)
