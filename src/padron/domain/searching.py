"""Searching vehicles by any part of VIN, plate, unit number or owner: which texts are searched, and how words match.

Texts are folded here, not by an engine, so that both engines find the same vehicles. An engine stores the folded text
of each current vehicle, and an index of its grams: all three characters in a row. A gram only proposes vehicles. What
counts is that the text contains the word.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice

from padron.domain.errors import Code, PadronError
from padron.domain.quoting import quote
from padron.domain.vehicle import Details, check_text

SEARCH_LENGTH_MAX = 100  # characters of a question
SEARCH_WORDS_MAX = 10
SEARCH_FIELDS = ("plate", "customId", "ownerName")  # besides the VIN
GRAM_LENGTH = 3
GRAMS_ASKED_MAX = 12  # of a search; more of them find no less, because the text itself decides
_WORD_GRAMS_MAX = 4  # different ones of a word, from its end: VINs and plates of a fleet begin alike
_COMMON = 0.05  # of a sample of vehicles: a word that so many have narrows a search little
_VERY_COMMON = 0.5

_FIELD_END = "\n"  # no searched value contains it, so no word reaches from one value into the next
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_CLASSES = 40  # of characters: each of the alphabet is one of its own, and all others share them
# Letters without a decomposition in Unicode that people type as other letters.
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "\u0131": "i"})
_PLACES = {letter: place for place, letter in enumerate(_ALPHABET)}


def fold_search(text: str) -> str:
    """Give the form in which texts are searched: without letter case and accents, so that "jose" finds "José"."""
    if text.isascii():
        return text.lower()
    bare = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(one for one in bare if not unicodedata.category(one).startswith("M")).translate(_LETTERS)


def give_search_text(vin: str, details: Details) -> str:
    """Give the text in which a current vehicle is found, folded: its VIN and its searched values."""
    values = [vin, *(str(details.get(name, "")) for name in SEARCH_FIELDS)]
    return _FIELD_END.join(fold_search(value) for value in values)


def parse_words(text: str) -> tuple[str, ...]:
    """Give the words of a search, folded, each once. All of them must be found. Raises ``bad_parameters``."""
    check_text("q", text, SEARCH_LENGTH_MAX)
    words = tuple(dict.fromkeys(fold_search(text).split()))
    if not words:
        raise PadronError(
            Code.BAD_PARAMETERS, f"q is {quote(text)}: it must contain a letter, a digit or another sign to look for."
        )
    if len(words) > SEARCH_WORDS_MAX:
        detail = f"q has {len(words)} words: at most {SEARCH_WORDS_MAX} are allowed."
        raise PadronError(Code.BAD_PARAMETERS, detail)
    return words


def matches(text: str, words: Sequence[str]) -> bool:
    """Say whether a folded text contains all words."""
    return all(word in text for word in words)


def list_grams(words: Sequence[str]) -> list[int]:
    """Give the grams of words, sorted, each once, as numbers below 64,000. Shorter words have none."""
    return sorted({_number(part) for word in words for part in _cut_backwards(word)})


def is_sample_useful(words: Sequence[str]) -> bool:
    """Say whether a sample of texts could spare an index a word: one of several that have grams."""
    return sum(len(word) >= GRAM_LENGTH for word in words) > 1


def choose_grams(words: Sequence[str], sample: Sequence[str] = ()) -> list[int]:
    """Give the grams by which an index proposes vehicles, few enough for one question. None for short words alone.

    ``sample`` has the texts of some vehicles. For a common word an index reads a long list, and gains little. So the
    word gives its rarest gram alone. It gives none if half of all vehicles have it and another word is rarer.
    """
    shares = {word: _give_share(word, sample) for word in words if len(word) >= GRAM_LENGTH}
    chosen: set[int] = set()
    for word, share in shares.items():
        parts = list(islice(dict.fromkeys(_cut_backwards(word)), _WORD_GRAMS_MAX))
        if share >= _COMMON:
            is_spared = share >= _VERY_COMMON and min(shares.values()) < share
            parts = [] if is_spared else [min(parts, key=lambda part: _give_share(part, sample))]
        chosen.update(map(_number, parts))
    return sorted(chosen)[:GRAMS_ASKED_MAX]


def _give_share(part: str, sample: Sequence[str]) -> float:
    return sum(part in text for text in sample) / max(len(sample), 1)


def _cut_backwards(word: str) -> Iterator[str]:
    """Give all three characters in a row of a word, from its end to its beginning."""
    for place in range(len(word) - GRAM_LENGTH, -1, -1):
        yield word[place : place + GRAM_LENGTH]


def _number(characters: str) -> int:
    """Give the gram of three characters."""
    one, two, three = map(_classify, characters)
    return (one * _CLASSES + two) * _CLASSES + three


def _classify(character: str) -> int:
    place = _PLACES.get(character)
    return ord(character) % _CLASSES if place is None else place
