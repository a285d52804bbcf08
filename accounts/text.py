"""Text that people type or paste: cleaned, judged and compared by one rule everywhere. Pure.

Three questions have one answer each:

- What is kept of a text? `clean_line` for names, `clean_code` for staff numbers and the like,
  `clean_email`, `clean_phone`. Characters that show nothing are dropped: they come along with
  copied text, and no one can see or remove them.
- May it be a name? `is_plain` and `is_visible`.
- Are two texts the same? Compare `fold` (or `email_key`) of both. The database never folds: it
  stores what these functions return (`accounts.models.folded`), so that it cannot disagree.
"""

import re
import unicodedata

#: Characters that show nothing (Unicode: Default_Ignorable_Code_Point, and annotation marks).
_IGNORABLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
#: Those of them that some scripts and emoji need: joiners and variation selectors.
_CONTEXTUAL = "\u200c\u200d\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_ANY_IGNORABLE = re.compile(f"[{_IGNORABLE}]")
_ALWAYS_DROPPED = re.compile(f"(?![{_CONTEXTUAL}])[{_IGNORABLE}]")
#: Anything longer is refused for its length wherever it was typed, and not worth the time.
_LONGEST_LINE = 100_000
_LONGEST_DOMAIN = 253
_REPEATED_JOINER = re.compile("([\u200c\u200d\u180e])[\u200c\u200d\u180e]+")
_DEPENDENT = re.compile(f"[{_CONTEXTUAL}]")
_JOINERS = frozenset("\u200c\u200d\u180e")

#: Scripts whose letters a joiner can join or part, by the first word of their characters' names.
_JOINING_SCRIPTS = {
    *("ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "MANDAIC", "ADLAM", "DEVANAGARI", "BENGALI"),
    *("GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA"),
    *("KHMER", "MYANMAR", "TIBETAN", "BALINESE", "JAVANESE"),
}
_VIRAMA = 9
#: U+2800 is a Braille cell without dots.
_BLANK_SIGNS = frozenset("\u2800")
#: What stands for bytes or objects that were no text.
_DEBRIS = frozenset("\ufffc\ufffd")
_ANY_KIND_OF_I = re.compile("\u0131\u0307*|i\u0307+")


def clean_line(text: str) -> str:
    """Return a name as it is kept: composed, trimmed, without characters that show nothing.

    Joiners and variation selectors stay where the script or the emoji needs them. Control
    characters stay as well, for `is_plain` to refuse.
    """
    if text.isascii() or len(text) > _LONGEST_LINE:
        return text.strip(" ")
    text = _ALWAYS_DROPPED.sub("", unicodedata.normalize("NFC", text))
    text = _REPEATED_JOINER.sub(r"\1", text)
    text = _DEPENDENT.sub(_keep_if_needed, text)
    # Once more: what stood between two parts of a letter is gone.
    return _trim(unicodedata.normalize("NFC", text))


def clean_code(text: str) -> str:
    """Return an identifier as it is kept: as `clean_line`, without any joiner or selector."""
    return _trim(unicodedata.normalize("NFC", _ANY_IGNORABLE.sub("", text)))


def _trim(text: str) -> str:
    """Take blanks off both ends, but no line break: that is rather a mistake to be shown."""
    start, end = 0, len(text)
    while start < end and unicodedata.category(text[start]) == "Zs":
        start += 1
    while end > start and unicodedata.category(text[end - 1]) == "Zs":
        end -= 1
    return text[start:end]


def _keep_if_needed(match: re.Match[str]) -> str:
    sign, text = match.group(), match.string
    before = _sign_at(text, match.start() - 1)
    after = _sign_at(text, match.end())
    if sign in _JOINERS:
        if before == "\ufe0f":
            before = _sign_at(text, match.start() - 2)
        return sign if _needs_joiner(before, after) else ""
    if "\u180b" <= sign <= "\u180f":
        return sign if _script(before) == "MONGOLIAN" else ""
    return sign if after == "\u20e3" or _takes_selector(before) else ""


def _sign_at(text: str, index: int) -> str:
    """Return one character, or nothing beyond either end, without copying the rest."""
    return text[index] if 0 <= index < len(text) else ""


def _needs_joiner(before: str, after: str) -> bool:
    if not before:
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if not after:
        return False
    if _is_pictograph(before) and _is_pictograph(after):
        return True
    return _script(before) in _JOINING_SCRIPTS and _script(before) == _script(after)


def _script(sign: str) -> str:
    return unicodedata.name(sign, "").partition(" ")[0] if sign else ""


def _is_pictograph(sign: str) -> bool:
    # Pictographs that are newer than Python's tables are "Cn", skin colors "Sk".
    return unicodedata.category(sign) in {"So", "Sk", "Cn"}


def _takes_selector(before: str) -> bool:
    if not before or before.isascii():
        return False
    return unicodedata.category(before) in {"So", "Sm", "Sk", "Lo", "Po", "Pd", "Cn"}


def is_storable(text: str) -> bool:
    """Whether PostgreSQL can keep a text: no NUL, and no half of a pair."""
    return "\0" not in text and not any("\ud800" <= sign <= "\udfff" for sign in text)


def is_plain(text: str) -> bool:
    """Whether a line can be stored and shown: no control signs, line breaks, halves or debris."""
    if text.isascii() and text.isprintable():
        return True
    return not any(
        sign in _DEBRIS
        or unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"}
        or ord(sign) & 0xFFFE == 0xFFFE
        or 0xFDD0 <= ord(sign) <= 0xFDEF
        for sign in text
    )


def is_visible(text: str) -> bool:
    """Whether anything of a text can be seen: a letter, digit, sign or symbol."""
    return any(
        unicodedata.category(sign)[0] in "LNPS" or unicodedata.category(sign) in {"Co", "Cn"}
        for sign in _ANY_IGNORABLE.sub("", text)
        if sign not in _BLANK_SIGNS
    )


def fold(text: str) -> str:
    """Return the form in which texts are compared, found and sorted.

    Equal are: capital and small letters (of every script, with ß = ss, ς = σ, and all of
    I, ı, İ, i), full-width and ordinary forms, ligatures and their letters, every kind and
    number of blanks, and whatever differs only by characters that show nothing.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    text = compatible(text)
    for _pass in range(2):  # what is composed after the first may have capital letters again
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold())
        text = _ANY_KIND_OF_I.sub("i", text)
    return " ".join(text.split())


def clean_email(text: str) -> str:
    """Return an address as it is kept: no characters that show nothing, no full-width forms."""
    return compatible(text).strip()


def compatible(text: str) -> str:
    """Return the text in ordinary forms, without characters that show nothing."""
    text = _ANY_IGNORABLE.sub("", unicodedata.normalize("NFKC", text))
    return unicodedata.normalize("NFKC", text)


def email_key(text: str) -> str:
    """Return the form in which addresses are compared, and sign-in addresses are stored.

    Small letters, and the domain as the network knows it, so that bücher.example and
    xn--bcher-kva.example are one.
    """
    local, at, domain = clean_email(text).lower().rpartition("@")
    if domain.isascii():
        return f"{local}{at}{domain}"
    labels = domain.replace("\u3002", ".").split(".")
    return f"{local}{at}{'.'.join(map(_to_ascii, labels))}"


def _to_ascii(label: str) -> str:
    if label.isascii() or len(label) > _LONGEST_DOMAIN:
        return label
    try:
        return "xn--" + unicodedata.normalize("NFC", label).encode("punycode").decode("ascii")
    except UnicodeError:  # half a pair; the address is refused elsewhere
        return label


_PHONE_PADDING = re.compile(r"[\s\-‐‑‒–—―−.·/()\[\]]+")
_PHONE_WRAPPED = re.compile(r'="?(\+?[0-9]+)"?')


def clean_phone(text: str) -> str:
    """Return a telephone number as it is kept: a plus sign and digits.

    Blanks, dashes, dots, brackets, full-width digits, `tel:` and the 00 of international calls
    are usual and mean nothing. Whatever else is there stays, for the validator to refuse.
    """
    text = compatible(text).strip().lstrip("'")
    text = text[4:] if text[:4].lower() == "tel:" else text
    wrapped = _PHONE_WRAPPED.fullmatch(text)
    text = wrapped.group(1) if wrapped else text
    # The trunk prefix that is written but not dialed from abroad: +49 (0)30 1234.
    text = re.sub(r"^(\+|00)([0-9 ]{1,5})\(0\)", r"\1\2", text)
    text = _PHONE_PADDING.sub("", text)
    digits = "".join(
        str(unicodedata.digit(sign)) if unicodedata.category(sign) == "Nd" else sign
        for sign in text
    )
    return unicodedata.normalize("NFKC", f"+{digits[2:]}" if digits[:2] == "00" else digits)


#: A name this short would be given away by its two ends.
_SHORT_NAME = 4


def mask_name(name: str) -> str:
    """Return the ends of a name with stars between: `Harbour Retail` gives `H***l`.

    The number of stars says nothing about the length, and a short name shows its first sign only
    (ADR 0048).
    """
    signs = name.strip()
    if not signs:
        return "***"
    return signs[0] + "***" + (signs[-1] if len(signs) > _SHORT_NAME else "")
