"""The file of identity providers: what it may say, and refusals that name the file, the line and the key."""

import re
from pathlib import Path

import pytest

from padron.config import SettingsError, give_environment, read_settings
from padron.domain.people import ROLE_SCOPES, Role
from padron.domain.providers import (
    DEFAULT_ALGORITHMS,
    Algorithm,
    Granted,
    OpenIdClient,
    find_grant,
    find_url_fault,
)
from padron.provider_files import read_providers
from tests.tables import each_row

GOOD = """\
resource = "https://padron.example"

[providers.ci]
issuer = "https://ci.example"
algorithms = ["RS256"]
token_types = ["at+jwt", "JWT"]
leeway_s = 10

[[providers.ci.grants]]
account = "Acme"
scopes = ["vehicles:read", "vehicles:status"]
when = { repository = "acme/fleet", ref = ["refs/heads/main", "refs/heads/stable"], protected = true, level = 3 }

[[providers.ci.grants]]
scopes = ["gate:check"]
scopes_from = "scope"
[providers.ci.grants.account]
claim = "/org/id"
names = { "17" = "Acme", "18" = "Beta" }

[providers.corp]
issuer = "http://127.0.0.1:8081/realms/fleet"
audience = ["padron", "padron-test"]
[[providers.corp.grants]]
account = "Acme"
scopes = "gate:check"
[providers.corp.grants.when]
"/realm_access/roles" = "gate"
"""
CLAIMS = {"repository": "acme/fleet", "ref": "refs/heads/main", "protected": True, "level": 3}


def write_file(folder: Path, text: str) -> Path:
    path = folder / "providers.toml"
    path.write_text(text)
    return path


def refuse_file(folder: Path, text: str) -> str:
    path = write_file(folder, text)
    with pytest.raises(SettingsError) as caught:
        read_providers(path)
    detail = str(caught.value)
    assert detail.startswith(f"'{path}'")
    assert detail.endswith((".", "?"))
    return detail.removeprefix(f"'{path}'")


def test_a_file_gives_its_providers_with_what_their_tokens_may_do(tmp_path: Path) -> None:
    providers = read_providers(write_file(tmp_path, GOOD))
    ci, corp = providers.listed
    assert providers.resource == "https://padron.example"
    assert (ci.name, ci.issuer, ci.leeway_s, ci.lifetime_s_max) == ("ci", "https://ci.example", 10, 7_200)
    assert ci.audiences == {"https://padron.example"}
    assert ci.algorithms == {Algorithm.RS256}
    assert ci.token_types == {"at+jwt", "jwt"}
    assert corp.token_types == {"at+jwt"}
    assert corp.audiences == {"padron", "padron-test"}
    assert (corp.algorithms, corp.leeway_s) == (DEFAULT_ALGORITHMS, 30)
    both = frozenset({"vehicles:read", "vehicles:status"})
    assert find_grant(ci.grants, CLAIMS) == Granted(account="Acme", scopes=both)
    granted = find_grant(ci.grants, {"org": {"id": "18"}, "scope": "gate:check"})
    assert granted == Granted(account="Beta", scopes=frozenset({"gate:check"}))
    assert find_grant(corp.grants, {"realm_access": {"roles": ["user", "gate"]}}) is not None


@each_row(
    "changes",
    [
        {"repository": "acme/fleet2"}, {"ref": "refs/heads/dev"}, {"protected": "true"}, {"protected": 1},
        {"level": True}, {"level": "3"}, {"level": 3.0}, {"repository": None}, {"ref": {"refs/heads/main": 1}},
    ],
)  # fmt: skip
def test_every_condition_of_a_grant_must_be_met_exactly(tmp_path: Path, changes: dict[str, object]) -> None:
    (ci, _) = read_providers(write_file(tmp_path, GOOD)).listed
    assert find_grant(ci.grants, CLAIMS | changes) is None


@each_row(
    "old, new, told",
    [
        ('resource = "https://padron.example"', "", ": resource is missing."),
        ("https://padron.example", "http://padron.example", ", line 1: resource must begin with https://"),
        ("https://padron.example", "https://padron.example?a=1", ", line 1: resource has a user, a query, a fragment"),
        ("[providers.ci]", "[providers.CI]", "providers.CI is no name for a provider"),
        ('issuer = "https://ci.example"\n', "", ", line 3: providers.ci.issuer is missing."),
        ("https://ci.example", "http://ci.example", ", line 4: providers.ci.issuer must begin with https://"),
        ("https://ci.example", "ci.example", ", line 4: providers.ci.issuer is not a URL that begins with https://."),
        ("https://ci.example", "http://127.0.0.1:8081/realms/fleet", "corp.issuer is that of another provider too"),
        ('["RS256"]', '["none"]', ", line 5: providers.ci.algorithms has 'none': choose from RS256, "),
        ('["RS256"]', '["HS256"]', ", line 5: providers.ci.algorithms has 'HS256': choose from RS256, "),
        ('["RS256"]', "[]", ", line 5: providers.ci.algorithms is not a list of texts."),
        ('["at+jwt", "JWT"]', '["id"]', ", line 6: providers.ci.token_types has 'id': choose from at+jwt and JWT."),
        ("leeway_s = 10", "leeway_s = 61", ", line 7: providers.ci.leeway_s is not a whole number from 0 to 60."),
        ("leeway_s = 10", "leeway_s = true", ", line 7: providers.ci.leeway_s is not a whole number from 0 to 60."),
        ("leeway_s = 10", "leway_s = 10", ", line 7: providers.ci.leway_s is unknown. Did you mean leeway_s?"),
        ("leeway_s = 10", "lifetime_s_max = 86401", ", line 7: providers.ci.lifetime_s_max is not a whole number"),
        ('account = "Acme"\nscopes = ["v', 'scopes = ["v', ", line 9: providers.ci.grants.1.account is missing."),
        ('"vehicles:read", ', '"vehicles:red", ', ", line 11: providers.ci.grants.1.scopes has 'vehicles:red': choose"),
        ("level = 3 }", "level = 3.5 }", ", line 12: providers.ci.grants.1.when.level is not a text, a whole number"),
        (
            "level = 3 }",
            "level = [3, 3] }",
            ", line 12: providers.ci.grants.1.when.level is not a text, a whole number",
        ),
        ('scopes_from = "scope"', "scopes_from = 7", ", line 16: providers.ci.grants.2.scopes_from is not a text."),
        ('claim = "/org/id"\n', "", ", line 17: providers.ci.grants.2.account.claim is missing."),
        ('"18" = "Beta"', '"18" = 7', ", line 19: providers.ci.grants.2.account.names.18 is not a text."),
        ("names = {", "nams = {", ", line 17: providers.ci.grants.2.account.names is missing"),
        ('"/realm_access/roles" = "gate"\n', "", "providers.corp.grants.1.when is missing: without a condition, every"),
        ('scopes = "gate:check"\n', "", "providers.corp.grants.1.scopes is missing."),
        ("leeway_s = 10", "leeway_s = ", " is not TOML: 'Invalid value (at line 7, column 12)'."),
        ("leeway_s = 10", "issuer = 1", " is not TOML: 'Cannot overwrite a value (at line 7, column 11)'."),
    ],
)
def test_a_wrong_file_is_refused_with_the_line_and_the_key(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert GOOD.count(old) == 1 or old == "https://padron.example"
    assert told in refuse_file(tmp_path, GOOD.replace(old, new, 1))


def test_a_file_without_a_provider_is_refused(tmp_path: Path) -> None:
    told = refuse_file(tmp_path, 'resource = "https://padron.example"\n')
    assert told == ": providers has no provider, or more than 20."
    assert refuse_file(tmp_path, "issuer = 1\n" + GOOD.replace("[providers.", "[provider.")).count("line") == 1


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file or directory"):
        read_providers(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_providers(tmp_path)
    path = write_file(tmp_path, GOOD)
    path.chmod(0o666)
    with pytest.raises(SettingsError, match=r"can be changed by everybody. Run chmod o-w on it."):
        read_providers(path)
    path.chmod(0o644)
    path.write_bytes(b"a = '\xff'")
    with pytest.raises(SettingsError, match="is not text in UTF-8"):
        read_providers(path)
    path.write_text("a = " + "[" * 5_000)
    with pytest.raises(SettingsError, match=re.escape("is not TOML")):
        read_providers(path)


def test_the_setting_reaches_the_other_processes() -> None:
    settings = read_settings({"PADRON_PROVIDERS": "providers.toml"})
    assert read_settings(give_environment(settings)) == settings
    assert read_settings({}, {"providers": "other.toml"}).providers == "other.toml"
    assert read_settings({}).providers == ""


@each_row(
    "url",
    [
        "https://id.example", "https://id.example/", "https://id.example:8443/realms/a", "http://127.0.0.1:1/",
        "http://localhost/", "http://[::1]:80/a", "https://[2001:db8::1]/", "https://id.example/a%20b",
    ],
)  # fmt: skip
def test_an_address_of_a_provider_is_https_or_on_this_machine(url: str) -> None:
    assert find_url_fault(url) is None


@each_row(
    "url",
    [
        "", "id.example", "//id.example", "https://", "https:///a", "ftp://id.example", "file:///etc/passwd",
        "http://id.example", "http://10.0.0.1/", "http://127.0.0.1.example/", "http://localhost.example/",
        "https://user@id.example/", "https://id.example/#a", "https://id.example/?a", "https://id.example:0/",
        "https://id.example:99999/", "https://id.example:a/", "https://id.exa mple/", "https://id.example/\n",
        "https://\u0131d.example/", "https://id.example\\@evil.example/", "https://id.example/" + "a" * 1_024,
        "https://[::1/", "https://id.example/<a>",
    ],
)  # fmt: skip
def test_any_other_address_is_refused(url: str) -> None:
    assert find_url_fault(url) is not None


SIGN_IN = """\
resource = "https://padron.example"
password_sign_in = false
[providers.corp]
issuer = "https://id.example/"
client_id = "padron"
client_secret_file = "client.secret"
title = "Corporate login"
link_by_email = true
[[providers.corp.grants]]
account = "Acme"
role = "editor"
when = { groups = "fleet" }
"""


def write_secret(folder: Path, text: str = "s3cret\n", mode: int = 0o600) -> None:
    path = folder / "client.secret"
    path.write_text(text)
    path.chmod(mode)


def test_a_provider_with_a_client_signs_people_in_and_takes_no_access_tokens(tmp_path: Path) -> None:
    write_secret(tmp_path)
    providers = read_providers(write_file(tmp_path, SIGN_IN))
    (corp,) = providers.listed
    assert not providers.allows_passwords
    assert corp.audiences == frozenset()
    assert corp.client == OpenIdClient(
        client_id="padron",
        client_secret="s3cret",
        title="Corporate login",
        scopes=("openid", "profile", "email"),
        links_by_email=True,
    )
    assert "s3cret" not in repr(corp)
    (grant,) = corp.grants
    assert (grant.role, grant.scopes) == (Role.EDITOR, frozenset(scope.value for scope in ROLE_SCOPES[Role.EDITOR]))
    both = read_providers(write_file(tmp_path, SIGN_IN.replace("title", 'audience = "api"\ntitle')))
    assert both.listed[0].audiences == {"api"}


@each_row(
    "old, new, told",
    [
        ("password_sign_in = false", "password_sign_in = 0", ", line 2: password_sign_in is not true or false."),
        ('client_id = "padron"\n', "", ", line 5: providers.corp.client_secret_file needs a client_id."),
        ("client.secret", "other.secret", "line 6: providers.corp.client_secret_file names"),
        ('title = "Corporate login"', 'sign_in_scopes = ["email"]', "is not a list of words with openid among them."),
        ('title = "Corporate login"', 'sign_in_scopes = ["openid", "a b"]', "is not a list of words with openid"),
        ("link_by_email = true", 'link_by_email = "yes"', ", line 8: providers.corp.link_by_email is not true or"),
        (
            'role = "editor"',
            'role = "admin"',
            ", line 11: providers.corp.grants.1.role is 'admin': choose from viewer, ",
        ),
        ('role = "editor"', 'role = "editor"\nscopes = ["gate:check"]', "grants.1.scopes cannot be beside role"),
        ('role = "editor"', 'scopes = ["gate:check"]', "providers.corp.grants has no role, so nobody could sign in."),
        (
            "link_by_email = true",
            'audience = "padron"\ntoken_types = ["at+jwt", "JWT"]',
            "providers.corp.audience has the client_id, so identity tokens would be taken as access tokens",
        ),
    ],
)
def test_a_wrong_way_to_sign_in_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    write_secret(tmp_path)
    assert SIGN_IN.count(old) == 1
    assert told in refuse_file(tmp_path, SIGN_IN.replace(old, new))


def test_passwords_are_not_switched_off_where_nobody_could_sign_in_otherwise(tmp_path: Path) -> None:
    text = GOOD.replace("\n\n", "\npassword_sign_in = false\n\n", 1)
    assert "line 2: password_sign_in is false, but no provider has a client_id" in refuse_file(tmp_path, text)


@each_row(
    "text, mode, told",
    [
        ("s3cret", 0o640, "which others can use. Run chmod 600 on it."),
        ("", 0o600, "which does not have one line of printable text."),
        ("a\nb", 0o600, "which does not have one line of printable text."),
        ("s" * 1_001, 0o600, "which does not have one line of printable text."),
        ("\u00fc", 0o600, "which cannot be read: UnicodeDecodeError."),
    ],
)
def test_the_secret_of_a_client_is_its_owners_alone_and_never_shown(
    tmp_path: Path, text: str, mode: int, told: str
) -> None:
    write_secret(tmp_path, text, mode)
    detail = refuse_file(tmp_path, SIGN_IN)
    assert told in detail
    assert not text or text not in detail
