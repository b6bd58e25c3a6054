"""Make a text comparable: one form for letters, no invisible characters, words and sentences.

Folding is for the legal reader only. It follows what a person *meant* to type: full-width and
mathematical letters, accents, curly quotes and zero-width characters make no difference.
"""

import re
import unicodedata

# No carrier delivers more in one message; what follows is not read, so time stays bounded.
TEXT_LENGTH_MAX = 4096

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u0640\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f"
    "\ufeff\U000e0000-\U000e01ef]+"
)
_MARKS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u1ab0-\u1aff"
    "\u1dc0-\u1dff\u20d0-\u20ff]+"
)
# Letters that Unicode does not take apart, and the squared letters people decorate with.
_LETTERS = str.maketrans(
    {
        "\u0111": "d",
        "\u0142": "l",
        "\u00f8": "o",
        "\u0131": "i",
        "\u0649": "\u064a",
        "\u0629": "\u0647",
        "\u2018": "'",
        "\u2019": "'",
        "\u02bc": "'",
        "\u2032": "'",
        "`": "'",
        **{chr(0x1F130 + i): chr(0x61 + i) for i in range(26)},
        **{chr(0x1F150 + i): chr(0x61 + i) for i in range(26)},
        **{chr(0x1F170 + i): chr(0x61 + i) for i in range(26)},
    }
)
_ODD_LETTERS = frozenset(map(chr, _LETTERS))
# One pass over an ASCII text: lower case, letters and digits kept, apostrophes, hyphens and
# asterisks closed up (don't, opt-out, f***), everything else a gap.
_ASCII_WORDS = {
    code: chr(code).lower() if chr(code).isalnum() else None if chr(code) in "'-*`" else " "
    for code in range(128)
}
# Chinese writes no gaps between words, so each of its characters is a word here.
_WORD = re.compile("[\u3400-\u9fff]|[^\\W_\u3400-\u9fff]+")
_CLOSED_UP = re.compile(r"(?<=\w)['*-](?=\w)|\*")
_TOKEN = re.compile(f"{_WORD.pattern}|[^\\w\\s]+|_+|\n+")
_SENTENCE_END = re.compile("[.!?;\n\u3002\uff01\uff1f\u061f\u2026]")
_NUMBER_SIGN = re.compile(r"#(?!\w)")
_SPELLED_STOP = re.compile(r"\bs[\W_]{1,3}t[\W_]{1,3}o[\W_]{1,3}p\b", re.IGNORECASE)


def clean(text: str) -> str:
    """Cap a text and give its letters one form; upper and lower case and accents stay."""
    capped = text[:TEXT_LENGTH_MAX]
    if capped.isascii():
        return capped
    # Phones curl the quotes of texts that are plain otherwise, and NFKC would take the acute
    # accent, typed as an apostrophe, for a space.
    plain = capped.replace("\u2019", "'").replace("\u00b4", "'")
    plain = plain.replace("\u201c", '"').replace("\u201d", '"')
    if plain.isascii():
        return plain
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", plain)[:TEXT_LENGTH_MAX])


def fold(cleaned: str) -> str:
    """Drop case and accents of a cleaned text."""
    if cleaned.isascii():
        return cleaned.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFD", cleaned.casefold()))
    if bare.isascii():
        return bare.replace("`", "'")
    return _replace_letters(unicodedata.normalize("NFC", bare))


def _replace_letters(text: str) -> str:
    """Write letters that Unicode does not take apart as their plain ones, where there are any."""
    return text if _ODD_LETTERS.isdisjoint(text) else text.translate(_LETTERS)


def split_words(cleaned: str) -> list[str]:
    """Give the folded words of a cleaned text in order, without any punctuation."""
    if "#" in cleaned or "--" in cleaned or "=" in cleaned:
        cleaned = _NUMBER_SIGN.sub(" number ", cleaned).replace("--", " ").replace("=", " to ")
    folded = cleaned if cleaned.isascii() else fold(cleaned)
    if folded.isascii():
        return folded.translate(_ASCII_WORDS).split()
    return _WORD.findall(_close_up(folded))


def _close_up(text: str) -> str:
    """Take out the signs within words (don't, opt-out, f***), where there are any."""
    has_signs = "'" in text or "-" in text or "*" in text
    return _CLOSED_UP.sub("", text) if has_signs else text


def split_sentences(cleaned: str) -> list[list[str]]:
    """Give the words of each sentence as written, with "," where a clause ends inside it."""
    signs = _NUMBER_SIGN.sub(" number ", cleaned) if "#" in cleaned else cleaned
    spelled = _SPELLED_STOP.sub("stop", signs.replace("=", " to "))
    letters = _replace_letters(spelled)
    plain = _close_up(letters.replace("--", ", "))
    sentences: list[list[str]] = [[]]
    for token in _TOKEN.findall(plain):
        if token[0].isalnum():
            sentences[-1].append(token)
        elif _SENTENCE_END.search(token):
            sentences.append([])
        elif sentences[-1] and sentences[-1][-1] != ",":
            sentences[-1].append(",")
    return [sentence for sentence in sentences if sentence]
