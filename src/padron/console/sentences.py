"""Says the service's sentences in the visitor's language, with instants in the visitor's zone.

The service words refusals for programs: in English, with instants in UTC and the API's names. The pages know most of
those sentences by their forms. A sentence that they do not know is shown as it is, and marked as English.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from re import escape as escape_pattern
from string import Formatter
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from padron.console.visits import PageVisit
from padron.console.wording.wording import Phrasing
from padron.domain.language import Language

LENGTH_MAX = 2_000  # characters of a text whose sentences are recognised

_AT = r"[0-9-]{10}T[0-9:.]{8,15}Z"
_NUMBER = r"-?[0-9,]+"
# What may be in each place of a form. Instants end in ``_at``, and all other places are numbers.
_PIECES: Mapping[str, str] = {
    "text": r"""['"].{0,500}?['"](?: \([0-9,]+ characters\))?""",  # as ``quote`` gives it
    "vin": "[0-9A-Z]{17}",
    "plate": "[0-9A-Z]{4,10}",
    "likely": "[0-9A-Z]{4,17}",
    "field": "[A-Za-z]{1,40}",
    "sign": ".",
    "letter": "[A-Z]",
    "shown": ".{1,90}?",
    "guess": "[^?]{1,60}",
    "names": "[^.]{1,300}",
    "words": ".{1,900}?",
    "scope": "[a-z:, ]{1,400}",
    "key": "[0-9A-Za-z]{1,40}",
    "what": "[A-Za-z' ]{1,60}?",
    "request": "[^ ]{1,100}",
    "actor": "[^ ]{1,120}",
}

# The sentences in the order in which they are tried, by the key of their text.
FORMS: tuple[tuple[str, str], ...] = (
    ("vin_letter", "The VIN's character {place} is '{sign}': a VIN has no letter {letter}; digit {digit}?"),
    (
        "vin_unseen",
        (
            "The VIN's character {place} is {shown}, which cannot be seen: a VIN has only digits and letters, "
            "so delete it."
        ),
    ),
    (
        "vin_character",
        (
            "The VIN's character {place} is {shown}: a VIN has only the digits 0 to 9 and the letters A to Z without "
            "I, O and Q."
        ),
    ),
    ("vin_length", "The VIN has {number} characters: a VIN has exactly 17."),
    ("perhaps_fits", "Perhaps {vin}, whose check digit fits."),
    ("perhaps", "Perhaps {likely}."),
    ("vin_again", "The VIN {vin} already appears on line {line} of the file."),
    ("plate", "plate {text} is not 4 to 10 letters and digits (A-Z, 0-9)."),
    ("plate_taken", "The vehicle {vin} already has the plate {plate}."),
    ("status_guess", "{text} is not a vehicle status; did you mean {guess}? Use {names}."),
    ("status_unknown", "{text} is not a vehicle status. Use {names}."),
    ("not_integer", "{field} is {text}: it must be an integer."),
    ("not_in_range", "{field} is {number}: it must be from {least} to {most}."),
    ("only_spaces", "{field} contains only spaces."),
    ("too_long", "{field} has {number} characters: at most {most} are allowed."),
    ("not_printable", "{field} contains {shown}, which is not printable."),
    ("row_too_wide", "The row has more cells than the {number} named columns: {words}."),
    ("quotation_marks", "Put quotation marks around a cell that contains the separator."),
    ("row_unknown", "The row has a revision, as exported rows have, but the register has no vehicle {vin}."),
    ("clear_revision", "Clear the revision to register the vehicle."),
    (
        "begins_past",
        (
            "effectiveAt is {asked_at}, which is in the past; the server's time is {now_at}. Leave it out to set the "
            "status now."
        ),
    ),
    ("ends_past", "until is {asked_at}: it must be after the server's time, {now_at}."),
    ("ends_first", "until is {asked_at}: it must be after effectiveAt, {begins_at}."),
    (
        "too_far",
        "{field} is {asked_at}, more than ten years in the future. The latest instant allowed is {last_at}.",
    ),
    (
        "nothing_back",
        (
            "The vehicle {vin} already has the status {number}, so there is no earlier status for `until` to restore. "
            "Plan the next status with `effectiveAt`."
        ),
    ),
    ("role_scope", "Your role in this account does not have the scope {scope}."),
    ("role_scope", "Your role in this account has none of the scopes {scope}."),
    ("key_scope", "The API key {key} does not have the scope {scope}."),
    ("no_scope", "A key needs at least one scope: choose from {scope}."),
    (
        "bad_name",
        "{what} {text} cannot be used. Use 1 to {most} printable characters, without a space at either end.",
    ),
    (
        "bad_network",
        (
            "{text} is not a network. Use the form 192.0.2.0/24 or 2001:db8::/32, without bits behind the prefix, or a "
            "single address."
        ),
    ),
    ("expired", "expiresAt is not in the future. To end a key at once, delete it."),
    (
        "bad_email",
        "The e-mail address {text} cannot be used. It needs the form name@example.com, with at most {most} characters.",
    ),
    ("email_known", "The register already knows somebody with the e-mail address {text}."),
    ("no_account", "There is no account that you can enter now. Ask an owner of the account to let you in."),
    ("ask_operator", "Ask the operator to add the person."),
    ("last_owner", "This person is the last owner of the account {text} who may sign in. Add another owner first."),
    ("password_short", "The password is too short: it needs at least {least} characters."),
    ("password_long", "The password is too long: it may have {most} characters."),
    (
        "password_untyped",
        "The password has a character that no keyboard types. Use letters, digits, signs and spaces.",
    ),
    (
        "password_repeats",
        "The password repeats a few characters, or follows the keyboard. Use several words, for example.",
    ),
    ("password_common", "The password is one of those that are tried first. Use several words, for example."),
    ("password_name", "The password is made of your name or your e-mail address. Use other words."),
    ("list_empty", "The list has no name. It must have {least} to {most}."),
    ("list_long", "The list has too many names. It must have {least} to {most}."),
    ("no_vehicle", "No current vehicle has the VIN {text} any more."),
    ("undone_by", "Undone by the request {request}."),
    ("undone_count", "Vehicles that are as they were before: {number}."),
    ("undone_left", "Vehicles that were left: {number}."),
    ("named_twice", "The vehicle is already named on line {line}."),
    ("unreadable", "The text is too long, or has characters that cannot be printed."),
    ("no_operation", "operation is empty. Name the operation on the vehicles."),
    ("undo_registered", "The request registered the vehicle, which cannot be undone."),
    ("undo_later", "The request {request} of {actor} changed the vehicle later."),
    ("undo_plate", "The vehicle {vin} now has the plate {plate}."),
    ("undo_vin", "Another vehicle now has the VIN {vin}."),
    ("view_exists", "There already is a view {text}. Choose another name, or save over it."),
    ("views_own", "You already keep {number} views, the maximum. Delete one first."),
    ("views_shared", "This account already shares {number} views, the maximum. Delete one first."),
    ("no_view", "There is no view {text}, or it is not shared with you."),
    ("passkeys_full", "You have {number} passkeys, and the limit is {most}. Remove one."),
    ("passkey_unusable", "This passkey cannot be used. Try again, or use another device."),
    ("passkey_nowhere", "Passkeys do not work at this address. Open the server by its name."),
    ("passkey_last", "This is your only way to sign in. Add another passkey before you remove it."),
    ("signing_in_full", "Too many people are signing in. Try again in some minutes."),
    ("pages_full", "You asked for too many pages at once. Wait until they are there."),
    ("picture_none", "There is no picture. Choose one."),
    ("picture_form", "This is neither a JPEG, PNG nor WebP picture. Send it in one of these forms."),
    ("picture_phone", "The picture is HEIC or AVIF. Send it as JPEG, PNG or WebP."),
    ("picture_bytes", "The picture has more than {number} MB. Take a smaller one."),
    ("picture_damaged", "The picture is damaged or incomplete. Take it again."),
    ("picture_pixels", "The picture has {width} by {height} pixels, which are too many."),
    ("picture_memory", "Reading the picture takes too much memory."),
    ("picture_late", "The picture was not read within {number} seconds, the limit."),
    ("picture_slow", "Reading the picture took more than {number} seconds of processor time, the limit."),
    ("picture_smaller", "Take a smaller photo, nearer to the barcode."),
    ("picture_ended", "The process that reads the picture ended early. The server's log says why."),
    ("picture_unread", "This server cannot read pictures. Its operator can install Padrón with its extra scan."),
    ("pictures_own", "This account has {number} pictures that are being read, the maximum."),
    ("pictures_others", "Other pictures are being read."),
    ("soon_again", "Try again in a moment."),
)
_SUGGESTING = frozenset({"said.perhaps", "said.perhaps_fits"})


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownSentence:
    """One sentence that was recognised: the key of its text, and its values."""

    key: str
    values: dict[str, str]
    end: int


def _write_pattern() -> str:
    """Give one pattern for all forms, each a group of its own. A sentence ends with the text, or with a space."""
    return "|".join(f"(?P<_{place}>{_write_form(place, form)}(?: |$))" for place, (_, form) in enumerate(FORMS))


def _write_form(place: int, form: str) -> str:
    pieces = []
    for words, name, _, _ in Formatter().parse(form):
        pieces.append(escape_pattern(words))
        if name is not None:
            pieces.append(f"(?P<_{place}_{name}>{_PIECES.get(name, _AT if name.endswith('_at') else _NUMBER)})")
    return "".join(pieces)


_match_sentence = re.compile(_write_pattern(), re.DOTALL).match


def say_detail(text: str, visit: PageVisit) -> Markup:
    """Give a text of the service for a page: in the visitor's language, or marked as the English that it is."""
    return word_detail(text, visit.wording, visit.preferences.zone)


def word_detail(text: str, wording: Phrasing, zone: ZoneInfo) -> Markup:
    """Give a text of the service in a language, with its instants in a zone. A page's own text stays as it is."""
    if isinstance(text, Markup):
        return text
    if (known := recognise(text)) is not None:
        return Markup(" ").join(_say(one, wording, zone) for one in known)
    if wording.language is Language.ENGLISH or text in wording.texts.values():
        return escape(text)
    return Markup('<span lang="en">{}</span>').format(text)


def find_suggestion(text: str) -> str:
    """Give the value that a text of the service suggests, or an empty one."""
    return next(
        (
            one.values.get("vin", one.values.get("likely", ""))
            for one in recognise(text) or ()
            if one.key in _SUGGESTING
        ),
        "",
    )


def recognise(text: str) -> list[KnownSentence] | None:
    """Give the sentences of a text in their order, or None unless each of them is known."""
    if not text or len(text) > LENGTH_MAX:
        return None
    found = list(_walk(text))
    return found if found and found[-1].end == len(text) else None


def _walk(text: str) -> Iterator[KnownSentence]:
    end = 0
    while end < len(text) and (match := _match_sentence(text, end)) is not None:
        group = match.lastgroup or ""
        end = match.end()
        own = {
            name.removeprefix(f"{group}_"): value
            for name, value in match.groupdict().items()
            if value is not None and name != group
        }
        key, _ = FORMS[int(group.removeprefix("_"))]
        yield KnownSentence(key=f"said.{key}", values=own, end=end)


def _say(sentence: KnownSentence, wording: Phrasing, zone: ZoneInfo) -> Markup:
    values = {name: _word(name, text, wording, zone) for name, text in sentence.values.items()}
    return Markup(wording.texts[sentence.key]).format(**values)  # noqa: S704 - our own text; format() escapes values


def _word(name: str, text: str, wording: Phrasing, zone: ZoneInfo) -> str:
    if name.endswith("_at"):
        try:
            return wording.write_instant(datetime.fromisoformat(text), zone)
        except (ValueError, OverflowError):  # somebody's own text may look like a sentence with an instant
            return text
    if name == "field":
        return next((str(wording.say(key)) for key in (f"field.{text}", f"said.name_{text}") if wording.has(key)), text)
    return text
