"""What every test of this folder may ask for."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

from accounts.models import User
from compliance.models import Evidence
from tests.factories import Customer, make_customer, make_staff


@pytest.fixture(autouse=True)
def evidence_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep the evidence of each test in a folder of its own."""
    folder = tmp_path / "evidence"
    field: Any = Evidence._meta.get_field("file")
    monkeypatch.setattr(field, "storage", FileSystemStorage(location=str(folder)))
    return folder


@pytest.fixture
def customer(db: None) -> Customer:
    return make_customer()


@pytest.fixture
def staff(db: None) -> User:
    return make_staff()


@pytest.fixture
def colleague(db: None) -> User:
    """A member of staff who did not handle the case."""
    return make_staff()
