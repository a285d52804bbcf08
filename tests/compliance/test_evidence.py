"""What files are accepted, under which name, and how they are kept."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.errors import Refused
from accounts.models import AuditEvent, User
from compliance.enums import CaseState, FileKind
from compliance.files import HEAD_BYTES, clean_name, fits_ending, sniff
from compliance.models import Evidence, ViolationEvent
from compliance.services.evidence import attach_evidence, disclose_evidence
from tests.factories import (
    HTML,
    NOW,
    PDF,
    PNG,
    Customer,
    make_case,
    make_customer,
    make_file,
    report_case,
)

HEADS: dict[str, tuple[bytes, FileKind | None]] = {
    "PDF": (PDF, FileKind.PDF),
    "PNG": (PNG, FileKind.PNG),
    "JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF", FileKind.JPEG),
    "GIF 87": (b"GIF87a\x01\x00", FileKind.GIF),
    "GIF 89": (b"GIF89a\x01\x00", FileKind.GIF),
    "WebP": (b"RIFF\x24\x00\x00\x00WEBPVP8 ", FileKind.WEBP),
    "WAV": (b"RIFF\x24\x00\x00\x00WAVEfmt ", FileKind.WAV),
    "another RIFF": (b"RIFF\x24\x00\x00\x00AVI LIST", None),
    "Ogg": (b"OggS\x00\x02", FileKind.OGG),
    "MP3 with a tag": (b"ID3\x04\x00", FileKind.MP3),
    "MP3 frame": (b"\xff\xfb\x90\x64", FileKind.MP3),
    "no MP3 layer": (b"\xff\xe1\x90\x64", None),
    "MP4": (b"\x00\x00\x00\x20ftypisom", FileKind.MP4),
    "HEIC": (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", FileKind.HEIC),
    "HEIC of another brand": (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", FileKind.HEIC),
    "AVIF": (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1", FileKind.AVIF),
    "AVIF of another brand": (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif", FileKind.AVIF),
    "BMP": (b"BM\x36\x00\x03\x00\x00\x00\x00\x00\x36\x00", FileKind.BMP),
    "TIFF": (b"II*\x00\x08\x00\x00\x00", FileKind.TIFF),
    "TIFF of the other order": (b"MM\x00*\x00\x00\x00\x08", FileKind.TIFF),
    "AMR": (b"#!AMR\n\x3c\x91", FileKind.AMR),
    "AMR of better sound": (b"#!AMR-WB\n\x24", FileKind.AMR),
    "3GP": (b"\x00\x00\x00\x18ftyp3gp4", FileKind.MP4),
    "QuickTime": (b"\x00\x00\x00\x14ftypqt  ", FileKind.MP4),
    "text that begins as a bitmap": (b"BMW dealers called at noon", FileKind.TEXT),
    "GBK text": ("投诉记录：来电 10:00\r\n".encode("gbk"), FileKind.TEXT),
    "GB18030 text": ("㐀 投诉".encode("gb18030"), FileKind.TEXT),
    "GBK text that continues within a letter": (
        ("x" + "投诉" * 2000).encode("gbk")[:HEAD_BYTES],
        FileKind.TEXT,
    ),
    "Big5 text": ("投訴記錄".encode("big5"), FileKind.TEXT),
    "Japanese text": ("苦情の記録".encode("cp932"), FileKind.TEXT),
    "UTF-16 text": ("投诉记录\r\n".encode("utf-16"), FileKind.TEXT),
    "UTF-16 text of the other order": (b"\xfe\xff" + "caller".encode("utf-16-be"), FileKind.TEXT),
    "Western text": ("Gespräch mit Frau Müller über Gebühren".encode("cp1252"), FileKind.TEXT),
    "HTML in UTF-16": ("<html><script>".encode("utf-16"), None),
    "HTML in GBK": ("投诉<HTML><script>".encode("gbk"), None),
    "UTF-16 with a control character": ("a\0b".encode("utf-16"), None),
    "Thai text of an old encoding": ("เรียน".encode("cp874"), None),
    "bytes that are no text": (bytes(range(128, 256)), None),
    "text": (b"caller,time\n138,10:00\n", FileKind.TEXT),
    "Chinese text": ("投诉记录\n".encode(), FileKind.TEXT),
    "text that continues within a letter": (("投诉" * 999).encode()[:HEAD_BYTES], FileKind.TEXT),
    "text that ends within a letter": ("投诉".encode()[:-1], None),
    "text with a mark": (b"\xef\xbb\xbfcaller", FileKind.TEXT),
    "blanks only": (b" \n ", None),
    "binary": (b"\x00\x01\x02\x03", None),
    "not UTF-8": (b"\xc3\x28 caller and much more", None),
    "HTML": (HTML, None),
    "HTML behind text": (b"hello <HTML><Script>", None),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg">', None),
    "XML": (b'<?xml version="1.0"?>', None),
    "a program": (b"MZ\x90\x00\x03", None),
    "a ZIP": (b"PK\x03\x04\x14\x00", None),
    "nothing": (b"", None),
}


@pytest.mark.parametrize(("head", "kind"), HEADS.values(), ids=HEADS.keys())
def test_a_file_is_what_its_content_says(head: bytes, kind: FileKind | None) -> None:
    assert sniff(head) == kind


def test_every_kind_can_be_found() -> None:
    assert {kind for _head, kind in HEADS.values()} - {None} == set(FileKind)


NAMES = {
    "plain": ("proof.png", "proof.png"),
    "a path": ("../../etc/passwd.txt", "passwd.txt"),
    "a path of Windows": ("C:\\Users\\me\\proof.pdf", "proof.pdf"),
    "an absolute path": ("/var/www/x.png", "x.png"),
    "both": ("..\\../x.png", "x.png"),
    "control characters": ("a\x00b\r\nc.png", "abc.png"),
    "turned around by a mark": ("gpj.\u202eexe.png", "gpj.exe.png"),
    "Chinese": ("投诉 录音.mp3", "投诉 录音.mp3"),
    "hidden": (".htaccess", "htaccess"),
    "dots only": ("...", "file"),
    "nothing": ("", "file"),
    "a folder": ("folder/", "file"),
    "very long": ("x" * 300 + ".png", "x" * 124 + ".png"),
    "a very long ending": ("x." + "y" * 300, "x." + "y" * 10),
}


@pytest.mark.parametrize(("name", "cleaned"), NAMES.values(), ids=NAMES.keys())
def test_a_name_is_cleaned(name: str, cleaned: str) -> None:
    assert clean_name(name) == cleaned
    assert len(clean_name(name)) <= 128


def test_the_ending_must_fit_the_content() -> None:
    assert fits_ending("a.JPG", FileKind.JPEG)
    assert fits_ending("a.jpeg", FileKind.JPEG)
    assert not fits_ending("a.png", FileKind.JPEG)
    assert not fits_ending("a", FileKind.JPEG)


# --- Keeping -------------------------------------------------------------------------------


def _attach(customer: Customer, by: User, name: str, content: bytes, **fields: Any) -> Evidence:
    return attach_evidence(
        violation=report_case(customer),
        upload=make_file(name, content),
        by=by,
        now=NOW,
        **{"is_disclosed": False} | fields,
    )


def test_a_file_is_kept_under_a_name_of_our_own(
    customer: Customer, staff: User, evidence_folder: Path
) -> None:
    file = _attach(customer, staff, "../../../tmp/proof.png", PNG)
    assert (file.name, file.content_type, file.size) == ("proof.png", "image/png", len(PNG))
    assert file.sha256 == hashlib.sha256(PNG).hexdigest()
    stored = [path for path in evidence_folder.rglob("*") if path.is_file()]
    assert stored == [evidence_folder / str(customer.account.pk) / file.public_id.hex]
    assert stored[0].read_bytes() == PNG


REFUSED = {
    "HTML named .png": ("proof.png", HTML, "kind_not_accepted"),
    "HTML named .html": ("proof.html", HTML, "kind_not_accepted"),
    "HTML named .txt": ("proof.txt", HTML, "kind_not_accepted"),
    "a picture named .html": ("proof.html", PNG, "name_deceives"),
    "a picture named .pdf": ("proof.pdf", PNG, "name_deceives"),
    "a picture without ending": ("proof", PNG, "name_deceives"),
    "text named .png": ("proof.png", b"hello", "name_deceives"),
    "an SVG": ("proof.svg", b"<svg onload=alert(1)>", "kind_not_accepted"),
    "an empty file": ("proof.png", b"", "empty"),
    "50 MB": ("proof.png", PNG + b"\0" * 50 * 1024 * 1024, "too_large"),
}


@pytest.mark.parametrize(("name", "content", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_is_refused(
    customer: Customer, staff: User, evidence_folder: Path, name: str, content: bytes, code: str
) -> None:
    with pytest.raises(Refused) as refusal:
        _attach(customer, staff, name, content)
    assert (refusal.value.code, refusal.value.field) == (code, "attachments")
    assert name in str(refusal.value)
    assert not Evidence.objects.exists()
    assert not evidence_folder.exists()


def test_the_size_limit_is_a_setting(customer: Customer, staff: User, settings: Any) -> None:
    settings.EVIDENCE_MAX_BYTES = len(PNG)
    assert _attach(customer, staff, "proof.png", PNG).size == len(PNG)
    with pytest.raises(Refused):
        _attach(customer, staff, "proof.png", PNG + b"\0")


def test_the_same_content_is_kept_once_per_case(
    customer: Customer, staff: User, evidence_folder: Path
) -> None:
    case = report_case(customer)
    arguments: dict[str, Any] = {"violation": case, "is_disclosed": False, "by": staff, "now": NOW}
    attach_evidence(upload=make_file(), **arguments)
    with pytest.raises(Refused) as refusal:
        attach_evidence(upload=make_file("other.png"), **arguments)
    assert refusal.value.code == "same_file"
    assert len([path for path in evidence_folder.rglob("*") if path.is_file()]) == 1
    assert _attach(make_customer(), staff, "proof.png", PNG).pk


def test_attaching_and_disclosing_is_history(customer: Customer, staff: User) -> None:
    file = _attach(customer, staff, "proof.png", PNG)
    disclose_evidence(evidence=file, is_disclosed=True, by=staff, now=NOW)
    disclose_evidence(evidence=file, is_disclosed=True, by=staff, now=NOW)
    assert Evidence.objects.get().is_disclosed
    acts = ViolationEvent.objects.order_by("pk").values_list("act", flat=True)
    assert list(acts) == ["report", "attach_evidence", "disclose_evidence"]
    assert AuditEvent.objects.filter(verb="violation.evidence_attached").count() == 1


def test_what_the_customer_sent_stays_shown(customer: Customer, staff: User) -> None:
    case = make_case(customer, CaseState.APPEALED)
    appeal = case.appeals.get()
    file = Evidence.objects.create(
        account=customer.account,
        appeal=appeal,
        name="a.png",
        content_type=FileKind.PNG,
        size=1,
        sha256="0" * 64,
        is_disclosed=True,
        uploaded_at=NOW,
    )
    with pytest.raises(Refused) as refusal:
        disclose_evidence(evidence=file, is_disclosed=False, by=staff, now=NOW)
    assert refusal.value.code == "own_file"


def test_a_file_cannot_be_exchanged_or_deleted(customer: Customer, staff: User) -> None:
    file = _attach(customer, staff, "proof.png", PNG)
    with pytest.raises(Exception, match="Cannot update"), transaction.atomic():
        Evidence.objects.filter(pk=file.pk).update(sha256="0" * 64)
    with pytest.raises(Exception, match="Cannot delete"), transaction.atomic():
        Evidence.objects.filter(pk=file.pk)._raw_delete("default")


def test_a_file_belongs_to_one_thing_of_its_own_account(customer: Customer) -> None:
    fields: dict[str, Any] = {
        "account": customer.account,
        "name": "a.png",
        "content_type": FileKind.PNG,
        "size": 1,
        "sha256": "0" * 64,
        "uploaded_at": NOW,
    }
    with pytest.raises(IntegrityError, match="one_owner"), transaction.atomic():
        Evidence.objects.create(**fields)
    foreign = report_case(make_customer())
    with pytest.raises(IntegrityError, match="another account"), transaction.atomic():
        Evidence.objects.create(**fields, violation=foreign)
