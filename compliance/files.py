"""What a file really is, by its content, and what it may be called. Pure."""

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
    FileKind.MP4: frozenset({"mp4", "m4a", "m4v"}),
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
)
_RIFF = {b"WEBP": FileKind.WEBP, b"WAVE": FileKind.WAV}
#: Control characters that text may have: tab, line feed, carriage return, form feed.
_TEXT_CONTROLS = frozenset({9, 10, 12, 13})
_MARKUP = ("<!doctype", "<html", "<head", "<body", "<script", "<svg", "<?xml")


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
        return FileKind.MP4
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
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Only where the file goes on may its last letter be cut.
        if error.reason != "unexpected end of data" or len(head) < HEAD_BYTES:
            return False
        text = head[: error.start].decode("utf-8-sig")
    is_printable = all(ord(letter) >= 32 or ord(letter) in _TEXT_CONTROLS for letter in text)
    is_markup = "<" in text and any(
        f"<{tag}" in text.casefold()
        for tag in ("!doctype", "html", "script", "svg", "?xml", "body")
    )
    return bool(text.strip()) and is_printable and not is_markup


def fits_ending(name: str, kind: FileKind) -> bool:
    """Whether the ending of a file's name says what the content is."""
    return PurePosixPath(name).suffix.lower().lstrip(".") in ENDINGS[kind]


def _is_visible(letter: str) -> bool:
    """Neither a control or format character nor some kind of blank."""
    return unicodedata.category(letter)[0] not in {"C", "Z"}


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
