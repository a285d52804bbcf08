"""What a file really is, by its content, and what it may be called. Pure."""

import codecs
import re
import unicodedata
from pathlib import PurePosixPath

from compliance.enums import FileKind

#: How much of a file's beginning is needed to know its kind.
HEAD_BYTES = 4096
NAME_LIMIT = 128

#: The endings that go with each kind. A file whose ending says something else is refused: it
#: is either a mistake or meant to deceive.
ENDINGS: dict[FileKind, frozenset[str]] = {
    FileKind.PDF: frozenset({"pdf"}),
    FileKind.PNG: frozenset({"png"}),
    FileKind.JPEG: frozenset({"jpg", "jpeg"}),
    FileKind.GIF: frozenset({"gif"}),
    FileKind.WEBP: frozenset({"webp"}),
    FileKind.MP3: frozenset({"mp3"}),
    FileKind.WAV: frozenset({"wav"}),
    FileKind.OGG: frozenset({"ogg", "oga", "opus"}),
    FileKind.HEIC: frozenset({"heic", "heif"}),
    FileKind.AVIF: frozenset({"avif"}),
    FileKind.BMP: frozenset({"bmp"}),
    FileKind.TIFF: frozenset({"tif", "tiff"}),
    FileKind.AMR: frozenset({"amr", "awb"}),
    FileKind.MP4: frozenset({"mp4", "m4a", "m4v", "mov", "3gp", "3ga", "3g2"}),
    FileKind.TEXT: frozenset({"txt", "csv", "log"}),
}

_STARTS: tuple[tuple[bytes, FileKind], ...] = (
    (b"%PDF-", FileKind.PDF),
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"\xff\xd8\xff", FileKind.JPEG),
    (b"GIF87a", FileKind.GIF),
    (b"GIF89a", FileKind.GIF),
    (b"OggS", FileKind.OGG),
    (b"ID3", FileKind.MP3),
    (b"II*\0", FileKind.TIFF),
    (b"MM\0*", FileKind.TIFF),
    (b"#!AMR\n", FileKind.AMR),
    (b"#!AMR-WB\n", FileKind.AMR),
)
#: Pictures that come in the container of MP4, by the brand of their content.
_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), FileKind.HEIC),
    **dict.fromkeys((b"avif", b"avis"), FileKind.AVIF),
}
_RIFF = {b"WEBP": FileKind.WEBP, b"WAVE": FileKind.WAV}
#: Control characters that text may have: tab, line feed, carriage return, form feed.
_TEXT_CONTROLS = frozenset({9, 10, 12, 13})
_LETTERS = bytes(range(ord("A"), ord("Z") + 1)) + bytes(range(ord("a"), ord("z") + 1))
_ACCENTED_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff]+[A-Za-z]*")


def sniff(head: bytes) -> FileKind | None:
    """Return the kind of file that begins like this; None for one that is not accepted.

    Markup (HTML, SVG, XML) is nothing that is accepted, whatever it is called.
    """
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp":
        # A picture of the brand "mif1" is AVIF if it says so among the compatible brands.
        is_avif = b"avif" in head[8 : int.from_bytes(head[:4], "big")]
        return FileKind.AVIF if is_avif else _BRANDS.get(head[8:12], FileKind.MP4)
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return FileKind.BMP
    if _is_mp3_frame(head):
        return FileKind.MP3
    return FileKind.TEXT if _is_plain_text(head) else None


def _is_mp3_frame(head: bytes) -> bool:
    """An MPEG audio frame: 11 bits set, then a layer and a bit rate that exist."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    layer, bit_rate = head[1] & 0x06, head[2] & 0xF0
    return layer == 0x02 and bit_rate not in {0x00, 0xF0}


def _is_plain_text(head: bytes) -> bool:
    text = decode_text(head)
    if text is None:
        return False
    is_printable = all(ord(letter) >= 32 or ord(letter) in _TEXT_CONTROLS for letter in text)
    is_markup = "<" in text and any(
        f"<{tag}" in text.casefold()
        for tag in ("!doctype", "html", "script", "svg", "?xml", "body")
    )
    return bool(text.strip()) and is_printable and not is_markup


def decode_text(head: bytes) -> str | None:
    """Return what a file's beginning says if it is text of an encoding that is in use, else None.

    Windows in China saves plain text as UTF-16 or GB18030. Which of the older encodings it is
    does not matter here: the file is kept and given back as it is.
    """
    marked = head[:2] in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE}
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030", "cp932"):
        try:
            # Only where the file continues may its last letter be cut.
            decoder = codecs.getincrementaldecoder(encoding)()
            text = decoder.decode(head, final=len(head) < HEAD_BYTES)
        except UnicodeDecodeError:
            continue
        if encoding.startswith("utf") or not _UNLIKELY.search(text):
            return text
    return head.decode("latin-1") if not marked and _is_western(head) else None


#: Private characters and halfwidth kana: so bytes look in an encoding that is not theirs.
_UNLIKELY = re.compile("[\ue000-\uf8ff\uff61-\uff9f\U000f0000-\U0010ffff]")


def _is_western(head: bytes) -> bool:
    """Whether each byte beyond ASCII is an accented letter in a word of plain letters."""
    return all(
        len(run.strip(_LETTERS)) == 1 and len(run) > 1 for run in _ACCENTED_WORD.findall(head)
    )


def fits_ending(name: str, kind: FileKind) -> bool:
    """Whether the ending of a file's name says what the content is."""
    return PurePosixPath(name).suffix.lower().lstrip(".") in ENDINGS[kind]


def clean_name(name: str) -> str:
    """Return a sender's file name without any path, control characters or excess length.

    The name is only ever shown and offered for saving; the file is stored under another one.
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(
        letter
        for letter in last
        if unicodedata.category(letter)[0] not in {"C", "Z"} or letter == " "
    )
    stripped = " ".join(printable.split()).lstrip(".")
    stem, dot, ending = stripped.rpartition(".")
    if not dot:
        return stripped[:NAME_LIMIT] or "file"
    return f"{stem[: NAME_LIMIT - len(ending[:10]) - 1] or 'file'}.{ending[:10]}"
