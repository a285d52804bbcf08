"""What a passkey answered is read, or refused, however it is nested."""

import pytest
from allauth.mfa import app_settings
from django import forms
from django.test import Client
from django.utils.module_loading import import_string

from accounts.forms.passkeys import CredentialField

DEEP = "[" * 5_000
pytestmark = pytest.mark.django_db


def test_signing_in_by_passkey_refuses_json_nested_too_deep() -> None:
    answer = Client().post("/auth/2fa/webauthn/login/", {"credential": DEEP})

    assert answer.status_code in {200, 302}


@pytest.mark.parametrize("name", sorted(app_settings.FORMS))
def test_every_form_with_a_credential_reads_it_so(name: str) -> None:
    form = import_string(app_settings.FORMS[name])

    assert isinstance(form.base_fields["credential"], CredentialField)


def test_nested_too_deep_is_no_json() -> None:
    form = forms.Form({"credential": DEEP})
    form.fields["credential"] = CredentialField()

    assert form.errors == {"credential": ["Enter a valid JSON."]}
    assert DEEP in str(form)
    assert CredentialField().clean('{"a": [1]}') == {"a": [1]}
