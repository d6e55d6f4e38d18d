"""Says in our own sentences what is wrong with a JSON body: what, at which member or place, and what to do.

The decoder names the first fault in words that change with its version. We take only the kind of fault and the place
from these words. A fault that we do not recognise gets a sentence that is true of every fault.
"""

import re
from difflib import get_close_matches
from functools import lru_cache

import msgspec
from msgspec import inspect

from padron.domain.quoting import show_word

_SHOWN_MAX = 60  # characters of a name or a value that is quoted
_GUESSED_MAX = 40  # a longer name is not a typing error, and comparing it takes long
_PATH_MAX = 120
_NEAR_MIN = 0.68  # with this, statusId is near vehicleStatusId, and colour is not near country
_LISTED_MAX = 8  # more names are easier to read in /docs

_TYPES = {
    "object": "a JSON object", "array": "a list", "str": "text", "int": "an integer", "bool": "true or false",
    "null": "null", "float": "a number with a fraction or an exponent",
}  # fmt: skip
_WANTED = _TYPES | {"float": "a number"}  # an integer is taken, too
_REASONS = {
    "trailing comma in object": "there is a comma before the closing bracket",
    "trailing comma in array": "there is a comma before the closing bracket",
    "trailing characters": "the JSON has ended before this",
    "object keys must be strings": "a member's name must be in double quotes",
    "expected ':'": "a colon is missing",
    "expected ',' or '}'": "a comma or a closing } is missing",
    "expected ',' or ']'": "a comma or a closing ] is missing",
    "invalid number": "this is not a number in JSON",
    "invalid escape character in string": "this is not an escape in JSON",
    "invalid character in unicode escape": "four hexadecimal digits must follow \\u",
}
# For these faults the decoder names the byte after the wrong one.
_ONE_TOO_FAR = frozenset(
    {"trailing characters", "invalid escape character in string", "invalid character in unicode escape"}
)
_ADVICE = {
    ("int", "str"): " Write it without quotes.",
    ("int", "float"): " Write it without a fraction and without an exponent.",
    ("float", "str"): " Write it without quotes.",
    ("bool", "str"): " Write it without quotes.",
    ("str", "int"): " Write it in quotes.",
}
_find_malformed = re.compile(r"JSON is malformed: (.{1,60}) \(byte ([0-9]{1,12})\)").fullmatch
_find_types = re.compile(r"Expected `([a-z |]{1,40})`, got `([a-z]{1,20})`").fullmatch
_find_bound = re.compile(r"Expected `([a-z |]{1,40})` ((?:of length )?)(<=|>=|<|>|==) (-?[0-9.]{1,30})").fullmatch
_iterate_escapes = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL).finditer
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than", "==": "exactly"}


def word_fault(error: Exception, text: bytes, shape: type, within: str = "") -> str:
    """Give the sentences for an error of the decoder on ``text``, which is the member ``within`` of the body."""
    if isinstance(error, UnicodeDecodeError):
        return word_encoding(text, within)
    if isinstance(error, msgspec.ValidationError):
        return _word_invalid(str(error), shape, within)
    if isinstance(error, msgspec.DecodeError):
        return _word_malformed(str(error), text, within)
    return f"{_name_place('', within)} is not JSON that this call takes."


def word_encoding(text: bytes, within: str = "") -> str:
    """Give the sentence for bytes that are not UTF-8."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        where = _find_place(text, error.start)
        return f"{_name_place('', within)} is not UTF-8 at {where}: there is the byte {text[error.start]:#04x}."
    return f"{_name_place('', within)} is not UTF-8."


def word_twice(name: str, path: str) -> str:
    """Give the sentence for a member that occurs twice in the object at ``path``."""
    return f"{_name_place(path, '')} has the member '{show_word(name, _SHOWN_MAX)}' twice. Send it once."


def join_path(path: str, name: str) -> str:
    """Give the path of a member of the object at ``path``. Give only the end of a long path."""
    joined = f"{path}.{show_word(name, _SHOWN_MAX)}" if path else show_word(name, _SHOWN_MAX)
    return joined if len(joined) <= _PATH_MAX else f"…{joined[-_PATH_MAX:]}"


def suggest_name(given: str, known: frozenset[str]) -> str | None:
    """Give the known name that was probably meant; None when no name is near, or the name is too long to compare."""
    return _suggest(given, known) if len(given) <= _GUESSED_MAX else None


@lru_cache(maxsize=1_024)  # a file or a list often has the same typing error in each member
def _suggest(given: str, known: frozenset[str]) -> str | None:
    plain = {_simplify(name): name for name in sorted(known)}
    near = get_close_matches(_simplify(given), plain, n=1, cutoff=_NEAR_MIN)
    return plain[near[0]] if near else None


def _simplify(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


def _word_invalid(message: str, shape: type, within: str) -> str:
    fault, separator, where = message.rpartition(" - at ")
    if not separator:
        fault, where = message, "`$`"
    path = where.rpartition("`$")[2].removesuffix("`").removeprefix(".")
    place = _name_place(path, within)
    if path.endswith("[...]"):  # the decoder does not say which
        place = f"A value in the body's {path.removesuffix('[...]')}"
    if where.startswith("`key`"):
        return f"{place} has a name that is not an integer."
    if (types := _find_types(fault)) is not None:
        wanted, got = types.groups()
        return f"{place} must be {_name_types(wanted)}, not {_TYPES.get(got, 'this')}.{_advise(wanted, got)}"
    if (bound := _find_bound(fault)) is not None:
        return _word_bound(place, *bound.groups())
    if "out of range" in fault:
        return f"{place} is a number that is too large."
    return place + _word_name_or_value(fault, _find_type(shape, path))


def _word_name_or_value(fault: str, kind: inspect.Type | None) -> str:
    missing = _cut(fault, "Object missing required field `", "`")
    unknown = _cut(fault, "Object contains unknown field `", "`")
    value = _cut(fault, "Invalid enum value ", "")
    if missing is not None:
        return f" lacks the member {missing}."
    if unknown is not None:
        return f" has the unknown member '{show_word(unknown, _SHOWN_MAX)}'{_hint(unknown, kind)}"
    if value is not None:
        return f" cannot be {show_word(value, _SHOWN_MAX)}.{_list_choices(kind)}"
    return " has a value that this call does not take. See /docs."


def _word_bound(place: str, kind: str, of_length: str, sign: str, limit: str) -> str:
    if not of_length:
        return f"{place} must be {_BOUNDS[sign]} {limit}."
    unit = "characters" if kind == "str" else "members"
    return f"{place} must have {_BOUNDS[sign]} {limit} {unit}."


def _word_malformed(message: str, text: bytes, within: str) -> str:
    place = _name_place("", within)
    lone = _find_lone_surrogate(text)
    if lone is not None and ("truncated" in message or "surrogate" in message):
        where, escape = _find_place(text, lone.start()), lone[0]
        return (
            f"{place} has half a character at {where}: {escape} is one of a surrogate pair, and the other is missing."
        )
    malformed = _find_malformed(message)
    if malformed is None:
        if "truncated" in message:
            return f"{place} is not valid JSON: it ends too early. A quote or a bracket is not closed."
        return f"{place} is not valid JSON."
    reason, offset = malformed[1], int(malformed[2])
    if reason in _ONE_TOO_FAR:
        offset -= 1
    if text.startswith(b"\xef\xbb\xbf"):
        return f"{place} begins with a byte order mark (U+FEFF). Send it without one."
    wrong = _REASONS.get(reason) or f"{_show_character(text, offset)} is not expected here"
    return f"{place} is not valid JSON at {_find_place(text, offset)}: {wrong}."


def _find_lone_surrogate(text: bytes) -> re.Match[str] | None:
    """Give the first escape that is half of a pair, with its place in bytes."""
    half: re.Match[str] | None = None
    for escape in _iterate_escapes(text.decode("latin-1")):  # one character for each byte, so that places are bytes
        code = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= code <= 0xDFFF  # noqa: PLR2004 - RFC 8259, 7
        if half is not None and not (is_low and escape.start() == half.end()):
            break
        if half is None and is_low:
            half = escape
            break
        half = escape if 0xD800 <= code <= 0xDBFF else None  # noqa: PLR2004
    return half


def _find_place(text: bytes, offset: int) -> str:
    before = text[:offset].decode("utf-8", "replace")
    line_start = before.rfind("\n") + 1
    return f"line {before.count(chr(10)) + 1}, character {len(before) - line_start + 1}"


def _show_character(text: bytes, offset: int) -> str:
    rest = text[offset : offset + 4].decode("utf-8", "replace")
    return f"'{show_word(rest[:1])}'" if rest else "the end"


def _name_place(path: str, within: str) -> str:
    joint = "." if within and path and not path.startswith("[") else ""
    whole = f"{within}{joint}{path}"
    return f"The body's {whole}" if whole else "The body"


def _name_types(wanted: str) -> str:
    return " or ".join(_WANTED.get(one, "what /docs says") for one in wanted.split(" | "))


def _advise(wanted: str, got: str) -> str:
    return _ADVICE.get((wanted.partition(" | ")[0], got), "")


def _cut(text: str, start: str, end: str) -> str | None:
    return text[len(start) : len(text) - len(end)] if text.startswith(start) else None


def _hint(given: str, kind: inspect.Type | None) -> str:
    known = [field.encode_name for field in kind.fields] if isinstance(kind, inspect.StructType) else []
    near = suggest_name(given, frozenset(known))
    if near is not None:
        return f". Did you mean {near}?"
    return f". Its members are {', '.join(known)}." if 0 < len(known) <= _LISTED_MAX else ". See /docs for its members."


def _list_choices(kind: inspect.Type | None) -> str:
    match kind:
        case inspect.EnumType():
            values: list[object] = [member.value for member in kind.cls]
        case inspect.LiteralType():
            values = list(kind.values)
        case _:
            values = []
    return f" Use {' or '.join(str(value) for value in values)}." if values else ""


def _find_type(shape: type, path: str) -> inspect.Type | None:
    """Give the type of the shape at a path such as ``results[0].outcome``; None where several are possible."""
    kind: inspect.Type | None = _describe(shape)
    for step in path.replace("[", ".[").split("."):
        if not step:
            continue
        kind = _step_into(kind, step)
    return _unwrap(kind)


def _step_into(kind: inspect.Type | None, step: str) -> inspect.Type | None:
    match _unwrap(kind):
        case inspect.StructType(fields=fields):
            return next((field.type for field in fields if field.encode_name == step), None)
        case inspect.ListType(item_type=item):
            return item
        case inspect.DictType(value_type=value):
            return value
        case _:
            return None


def _unwrap(kind: inspect.Type | None) -> inspect.Type | None:
    """Give the type inside wrappers, such as a description; None for a choice of several types."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return None if isinstance(kind, inspect.UnionType) else kind


@lru_cache(maxsize=64)
def _describe(shape: type) -> inspect.Type:
    return inspect.type_info(shape)
