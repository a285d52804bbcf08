"""What the bytes of a CSV file say: the encoding is recognized by rules, or the file is refused.

Garbage is never taken for text. UTF-8 (with or without a mark) and UTF-16 are certain. Of the
older encodings one is taken only if nearly all its characters are common ones and no other
encoding fits as well; short files often fit several. Then the person is asked for UTF-8.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from accounts.errors import Refused

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HIGH = re.compile(rb"[\x80-\xff]+")
_PAIRS = re.compile(rb"[A-Za-z]?[\x80-\xff]+[A-Za-z]?")
_WORDS = re.compile(r"[^\W\d_]+")
#: Letters of Windows-1252 that mean the same in nearly all its uses. The others stand at the
#: places of Polish, Czech, Turkish or Baltic letters in the sister encodings.
_WESTERN = frozenset("äöüÄÖÜßéèêëÉÈÊËàâÀÂçÇîïÎÏôÔûÛñÑáíóúÁÍÓÚåÅãÃ")
_WESTERN_SIGNS = frozenset("\u00a0€’‘“”–—…·°´")
_KOREAN_SURNAMES = frozenset("김이박최정강조윤장임한오서신권황안송전홍유고문양손배백허남심노하")
#: This share of the characters has to be common ones of the encoding.
_ENOUGH = 0.7
#: So much larger has the share to be than that of the next encoding.
_LEAD = 0.2

IsHeading = Callable[[str], bool]


def decode(content: bytes, is_heading: IsHeading) -> str:
    """Return the text of a file. Raises Refused (code "encoding") where it cannot be told.

    `is_heading` says whether a word is a known heading of a column: headings that are not ASCII
    settle the question.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _strictly(content, encoding)
    unmarked = _unmarked_utf16(content) if b"\0" in content[:4096] else ""
    if unmarked:
        return _strictly(content, unmarked)
    if content.isascii():
        return content.decode("ascii")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _older(content, is_heading)
    return _if_really_utf8(text, content, is_heading)


def _refusal() -> Refused:
    return Refused(
        _(
            "The encoding of this file could not be determined. In your spreadsheet "
            "program, choose Save as, select the file type “CSV UTF-8”, and upload the "
            "new file."
        ),
        code="encoding",
    )


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise _refusal() from error


def _unmarked_utf16(content: bytes) -> str:
    """Return which UTF-16 this is without a mark: every second byte of plain letters is zero."""
    head = content[:4096]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(content) % 2 or min(even, odd) > 0 or max(even, odd) < 0.3 * len(head) / 2:
        return ""
    return "utf-16-le" if odd else "utf-16-be"


def _if_really_utf8(text: str, content: bytes, is_heading: IsHeading) -> str:
    """Refuse, or read as GB18030, what is valid UTF-8 by chance (小伟 looks like Сΰ)."""
    if _knows_headings(text, is_heading) or not _is_all_chinese(content, 0xF7):
        return text
    words = [word for word in _WORDS.findall(text) if not word.isascii()]
    if any(_is_odd(word) for word in words):
        return _strictly(content, "gb18030")
    if _is_all_chinese(content, 0xD7) and all(len(word) <= 4 for word in words):
        raise _refusal()
    return text


def _is_all_chinese(content: bytes, last: int) -> bool:
    """Whether all bytes beyond ASCII make GB 2312 characters up to the row `last`, and stand apart.

    Row 0xD7 is the last one of the common characters, 0xF7 the last one of all.
    """
    return all(
        not run[:1].isalpha()
        and not run[-1:].isalpha()
        and len(run) % 2 == 0
        and all(0xB0 <= run[i] <= last and run[i + 1] >= 0xA1 for i in range(0, len(run), 2))
        for run in _PAIRS.findall(content)
    )


def _is_odd(word: str) -> bool:
    """Whether no language writes so: letters of two scripts, or letters that are hardly used."""
    scripts = {unicodedata.name(sign, "?").partition(" ")[0] for sign in word}
    return len(scripts) > 1 or any(
        0x0250 <= ord(sign) <= 0x036F or 0x0460 <= ord(sign) <= 0x052F for sign in word
    )


def _knows_headings(text: str, is_heading: IsHeading) -> bool:
    first = text.lstrip("\r\n").partition("\n")[0]
    words = re.split(r"[,;|\t]", first)
    return any(not word.isascii() and is_heading(word.strip(' "\r')) for word in words)


def _older(content: bytes, is_heading: IsHeading) -> str:
    readings = []
    for encoding, share_of in _ENCODINGS.items():
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _knows_headings(text, is_heading):
            return text
        readings.append((share_of(content, text), text))
    readings.sort(reverse=True)
    best, second = [*readings, (0.0, ""), (0.0, "")][:2]
    if best[0] < _ENOUGH or best[0] - second[0] < _LEAD:
        raise _refusal()
    return best[1]


def _share(signs: Iterator[bool]) -> float:
    found = list(signs)
    return sum(found) / len(found) if found else 0.0


def _beyond_ascii(text: str) -> Iterator[str]:
    return (sign for sign in text if not sign.isascii() and unicodedata.category(sign)[0] != "P")


def _code(sign: str, encoding: str) -> int:
    return int.from_bytes(sign.encode(encoding), "big")


def _share_gb(content: bytes, text: str) -> float:
    """The share of GB 2312's first level, 3,755 common characters."""
    high = b"".join(_HIGH.findall(content))
    if all(0xC0 <= byte <= 0xDF for byte in high):
        return 0.5  # as likely capitals of Windows-1251
    korean = _share_korean(content)
    if korean > _ENOUGH:
        return 0.0
    codes = [_code(sign, "gb18030") for sign in _beyond_ascii(text)]
    # A private or unassigned character is no text.
    if any(unicodedata.category(sign) in {"Co", "Cn"} for sign in text):
        return 0.0
    return _share(0xB0A1 <= code <= 0xD7F9 and code & 0xFF >= 0xA1 for code in codes)


def _share_big5(content: bytes, text: str) -> float:
    """The share of Big5's first level, 5,401 common characters."""
    return _share(0xA440 <= _code(sign, "cp950") <= 0xC67E for sign in _beyond_ascii(text))


def _share_japanese(content: bytes, text: str) -> float:
    """The share of kana, and of the common characters of JIS X 0208's first level."""
    codes = [_code(sign, "cp932") for sign in _beyond_ascii(text)]
    return _share(0x829F <= code <= 0x8396 or 0x889F <= code <= 0x9872 for code in codes)


def _share_korean(content: bytes, text: str = "") -> float:
    """The share of words of Hangul that begin with a common Korean surname."""
    try:
        text = text or content.decode("cp949")
    except UnicodeDecodeError:
        return 0.0
    words = [word for word in _WORDS.findall(text) if not word.isascii()]
    return _share(
        word[0] in _KOREAN_SURNAMES and all("가" <= sign <= "힣" for sign in word) for word in words
    )


def _share_western(content: bytes, text: str) -> float:
    """1 if each accented letter is one of western Europe in a word of plain letters."""
    for word in re.findall(r"[^\x00-\x7f]+|[^\W\d_]*[^\x00-\x7f\W\d_][^\W\d_]*", text):
        letters = [sign for sign in word if not sign.isascii()]
        if not all(sign in _WESTERN or sign in _WESTERN_SIGNS for sign in letters):
            return 0.0
    runs = _HIGH.findall(content)
    return _share(len(run) == 1 for run in runs)


_ENCODINGS: dict[str, Callable[[bytes, str], float]] = {
    "gb18030": _share_gb,
    "cp950": _share_big5,
    "cp932": _share_japanese,
    "cp949": _share_korean,
    "cp1252": _share_western,
}
