"""Which passwords are refused: short ones, common ones with a few signs around them, and one's own name.

Every step takes linear time, because the text comes from outside.
"""

import re
import unicodedata
from functools import cache
from importlib.resources import files
from string import digits, punctuation

from padron.domain.errors import Code, PadronError
from padron.domain.people import User
from padron.service.people.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN, normalize_password

CORE_LENGTH_MIN = 4  # of a word that is looked for
NAME_LENGTH_MIN = 3
DISTINCT_MIN = 5  # different characters
UNIT_LENGTH_MAX = 8  # of what is only repeated

_RUNS = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba",
         "qwertyuiopasdfghjklzxcvbnm", "qwertyuiopasdfghjklñzxcvbnm")  # fmt: skip
_NOT_TYPED = frozenset({"Cc", "Cs"})  # control characters, and halves of characters
_split_words = re.compile(r"[^\W\d_]+").findall
_SIGNS = punctuation + " \u00a1\u00bf"
_LEET = str.maketrans("430157$@!", "aeoistsai")


def check_password(password: str, user: User) -> None:
    """Raise ``bad_parameters`` unless somebody may have this password. The message never quotes it."""
    text = normalize_password(password).decode("utf-8", "surrogatepass")
    if len(text) < PASSWORD_LENGTH_MIN:
        raise _refuse(f"The password is too short: it needs at least {PASSWORD_LENGTH_MIN} characters.")
    if len(password) > PASSWORD_LENGTH_MAX or len(text) > PASSWORD_LENGTH_MAX:
        raise _refuse(f"The password is too long: it may have {PASSWORD_LENGTH_MAX} characters.")
    if any(unicodedata.category(sign) in _NOT_TYPED for sign in text):
        raise _refuse("The password has a character that no keyboard types. Use letters, digits, signs and spaces.")
    folded = text.lower()
    if len(set(folded)) < DISTINCT_MIN or _is_repeated(folded) or any(folded in run for run in _RUNS):
        raise _refuse("The password repeats a few characters, or follows the keyboard. Use several words, for example.")
    if _is_common(folded):
        raise _refuse("The password is one of those that are tried first. Use several words, for example.")
    if _names_person(folded, user):
        raise _refuse("The password is made of your name or your e-mail address. Use other words.")


def _refuse(sentence: str) -> PadronError:
    return PadronError(Code.BAD_PARAMETERS, sentence)


def _is_repeated(text: str) -> bool:
    """Say whether a text is a short unit again and again."""
    return any(
        text == (text[:length] * (len(text) // length + 1))[: len(text)] for length in range(1, UNIT_LENGTH_MAX + 1)
    )


def _is_common(text: str) -> bool:
    """Say whether a text is a common password, or one with digits and signs around it, or in place of its letters."""
    core = text.strip(_SIGNS + digits)
    forms = (text, text.strip(_SIGNS), core, core.translate(_LEET))
    return any(len(form) >= CORE_LENGTH_MIN and form in list_common() for form in forms)


def _names_person(text: str, user: User) -> bool:
    """Say whether nothing of note is left of a text without the parts of the person's name and e-mail address."""
    text = _drop_accents(text)
    rest = text
    known = _drop_accents(f"{user.name or ''} {user.email or ''}".lower())
    for word in sorted(_split_words(known), key=len, reverse=True):
        if len(word) >= NAME_LENGTH_MIN:
            rest = rest.replace(word, "")
    left = "".join(_split_words(rest))
    return rest != text and len(left) < CORE_LENGTH_MIN


def _drop_accents(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))


@cache
def list_common() -> frozenset[str]:
    """Give the common passwords in small letters. The list is read when the first password is set."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 - 2 MB that most processes do without

    words = [*FREQUENCY_LISTS["passwords"], *FREQUENCY_LISTS["english_wikipedia"][:2_000]]
    own = files("padron.service.people").joinpath("words.txt").read_text("utf-8")  # Spanish ones, and ours
    return frozenset(words).union(own.split())
