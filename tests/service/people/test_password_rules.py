"""Which passwords are refused. There is no rule about kinds of characters."""

from dataclasses import replace

import pytest

from padron.domain.errors import Code, PadronError
from padron.domain.people import User
from padron.service.people.password_rules import check_password, list_common
from padron.service.people.passwords import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN, normalize_password
from tests.cast import NOON
from tests.tables import each_row

ANA = User(
    user_id="uAAAAAAAAAAAA",
    email="ana.ruiz@acme.example",
    name="Ana María Ruiz",
    language=None,
    time_zone=None,
    theme=None,
    is_break_glass=False,
    created_at=NOON,
    disabled_at=None,
    erased_at=None,
    password_changed_at=None,
)
GOOD = (
    "correct horse battery",
    "xk4!Qz81pLw0",
    "doce letras!",
    "la flota de mi padre",
    "перевозчик на юге",
    "   spaces count  ",
    "Ruiz drives a lorry",
    "password for the lorry",
    "🚚🚛🚗🚙🚌🚎🏎🚓🚑🚒🚐🛻",
    "a" * 250 + "bcdef",
)
BAD = {
    "too short": ("elevenchars", "", "ñ" * 11, "🚚" * 11),
    "too long": ("abcdef" * 43, "x" * 100_000),
    "keyboard": (
        "a" * 12, "123456789012", "0123456789012", "abcabcabcabc", "qwertyuiopas", "zyxwvutsrqpon", "zxzxzxzxzxzxzx",
    ),
    "tried first": (
        "password1234", "Password123!", "P4ssw0rd12345", "contraseña2024", "Contraseña.2026", "bienvenido123",
        "1234welcome1", "padron2026!!", "!!!liverpool!", "monkey123456",
    ),
    "your name": ("ana.ruiz@acme.example", "AnaRuiz20261", "ruiz-maria-12", "ACME-acme-1234!"),
    "no keyboard": ("correct\nhorse bat", "correct horse\x00bat", "correct horse \ud83d bat"),
}  # fmt: skip


def test_a_long_password_of_ones_own_is_taken() -> None:
    for password in GOOD:
        check_password(password, ANA)


@each_row("why", BAD)
def test_a_bad_password_is_refused_with_a_reason_that_does_not_quote_it(why: str) -> None:
    for password in BAD[why]:
        with pytest.raises(PadronError, match=why) as caught:
            check_password(password, ANA)
        assert caught.value.code is Code.BAD_PARAMETERS
        assert not password or password not in caught.value.detail


def test_every_common_password_that_is_long_enough_is_refused() -> None:
    long = [one for one in list_common() if PASSWORD_LENGTH_MIN <= len(one) <= PASSWORD_LENGTH_MAX]
    assert len(long) > 100
    assert len(list_common()) > 25_000
    for password in long:
        for form in (password, password.upper(), f"{password}!"):
            with pytest.raises(PadronError):
                check_password(form, ANA)


def test_the_length_is_counted_in_one_form_whatever_the_keyboard_sends() -> None:
    assert normalize_password("mun\u0303oz") == normalize_password("mu\u00f1oz")
    with pytest.raises(PadronError, match="too short"):
        check_password("n\u0303andu\u0301 ten n\u0303", ANA)


def test_a_person_without_a_name_has_only_an_address_to_avoid() -> None:
    check_password("Ana María Ruiz 12 x", replace(ANA, name=None, email="x@y.example"))
