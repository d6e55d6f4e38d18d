"""The secrets of a sign-in, and the answers of a provider."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from padron.domain.openid import Callback, SignInSecrets, find_callback_fault, give_departure_url, take_once
from padron.domain.people import Role
from padron.domain.providers import find_roles
from tests.openid_issuers import CLIENT, REDIRECT, make_role_grant, make_sign_in_provider
from tests.tables import each_row

SECRET = st.text("0123456789ABCDEFabcdef_-", min_size=43, max_size=43)
PROVIDER = make_sign_in_provider()


@given(SECRET, SECRET, SECRET)
def test_everything_of_a_sign_in_depends_on_both_secrets(browser: str, state: str, other: str) -> None:
    secrets = SignInSecrets(browser=browser, state=state)
    assert secrets.are_well_formed
    assert len({secrets.verifier, secrets.nonce, browser, state}) >= 3
    assert 43 <= len(secrets.verifier) <= 128  # RFC 7636, 4.1
    for changed in (replace(secrets, browser=other), replace(secrets, state=other)):
        if changed != secrets:
            assert changed.state_sha256 != secrets.state_sha256
            assert changed.verifier != secrets.verifier
            assert changed.nonce != secrets.nonce


@given(SECRET, SECRET)
def test_the_address_of_the_provider_gives_nothing_of_the_browser_away(browser: str, state: str) -> None:
    secrets = SignInSecrets(browser=browser, state=state)
    for url in ("https://id.example/authorize", "https://id.example/authorize?tenant=a"):
        departure = give_departure_url(url, CLIENT, secrets, REDIRECT)
        query = parse_qs(urlsplit(departure).query)
        assert departure.startswith(url)
        assert query["state"] == [state]
        assert query["nonce"] == [secrets.nonce]
        assert secrets.verifier not in departure
        assert browser == state or browser not in departure


@each_row("text", ["", "a" * 42, "a" * 44, "a" * 42 + "+", "a" * 42 + "é", "a" * 43 + "\n"])
def test_a_secret_of_another_form_is_none_of_ours(text: str) -> None:
    assert not SignInSecrets(browser=text, state="a" * 43).are_well_formed
    assert not SignInSecrets(browser="a" * 43, state=text).are_well_formed


def test_an_answer_needs_a_code_and_the_right_issuer() -> None:
    good = Callback(code="c", state="s")
    assert find_callback_fault(good, PROVIDER, names_itself=False) is None
    assert find_callback_fault(replace(good, issuer=PROVIDER.issuer), PROVIDER, names_itself=True) is None
    for bad, names_itself in (
        (replace(good, code=""), False), (replace(good, code="c" * 2_049), False), (good, True),
        (replace(good, issuer=f"{PROVIDER.issuer}/"), False), (replace(good, error="access_denied"), False),
    ):  # fmt: skip
        assert find_callback_fault(bad, PROVIDER, names_itself=names_itself) is not None
    assert take_once(["a"]) == "a"
    assert take_once(["a", "a"]) == take_once([]) == ""


def test_people_get_the_highest_role_in_each_account() -> None:
    grants = [
        make_role_grant("editor", "Acme", groups="a"), make_role_grant("owner", "Acme", groups="b"),
        make_role_grant("viewer", "Acme", groups="a"), make_role_grant("manager", "Beta", groups="b"),
        replace(make_role_grant("owner", "Gamma", groups="a"), role=None),
    ]  # fmt: skip
    assert find_roles(grants, {"groups": ["a"]}) == {"Acme": Role.EDITOR}
    assert find_roles(grants, {"groups": ["a", "b"]}) == {"Acme": Role.OWNER, "Beta": Role.MANAGER}
    assert find_roles(grants, {}) == {}
