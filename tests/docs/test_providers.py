"""docs/providers.md is right: its files can be read, and its limits are those of the program."""

import re
from pathlib import Path

import pytest

from padron.delivery.documents import DOCUMENT_BYTES_MAX, FETCH_S_MAX
from padron.domain.access_token import TOKEN_LENGTH_MAX
from padron.domain.people import ROLE_SCOPES, Role
from padron.domain.providers import LEEWAY_S_MAX, LIFETIME_S_MAX, Algorithm, find_grant, find_roles
from padron.provider_files import LEEWAY_S, LIFETIME_S, PROVIDERS_MAX, read_providers
from padron.service.tokens.access_tokens import TOKEN_BELIEVED_S_MAX
from padron.service.tokens.issuer_keys import FRESH_S, KEPT_S, TRIED_EVERY_S
from padron.service.tokens.key_sets import RSA_BITS_MAX, RSA_BITS_MIN

PAGE = (Path(__file__).parents[2] / "docs" / "providers.md").read_text("utf-8")
FILES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
CLAIMS = [
    {"groups": ["fleet-workshop"]},
    {"repository": "acme/fleet", "ref": "refs/heads/main"},
    {"realm_access": {"roles": ["offline_access", "workshop"]}},
    {"org_id": "org_17", "permissions": ["vehicles:status", "gate:check"]},
    {"groups": "fleet-office"},
]


@pytest.mark.parametrize("text, claims", [*zip(FILES, CLAIMS, strict=True)])
def test_each_file_can_be_read_and_grants_what_the_page_says(
    tmp_path: Path, text: str, claims: dict[str, object]
) -> None:
    path, secret = tmp_path / "providers.toml", tmp_path / "padron-console.secret"
    path.write_text(text)
    secret.write_text("a secret\n")
    secret.chmod(0o600)
    (provider,) = read_providers(path).listed
    granted = find_grant(provider.grants, claims)
    assert granted is not None
    assert granted.account == "Acme"
    roles = find_roles(provider.grants, claims)
    assert (len(granted.scopes), roles) in ((2, {}), (len(ROLE_SCOPES[Role.EDITOR]), {"Acme": Role.EDITOR}))
    assert find_grant(provider.grants, {}) is None


def test_the_numbers_of_the_page_are_those_of_the_program() -> None:
    for told in (
        f"| `leeway_s` | {LEEWAY_S} | how far the clocks may differ, in seconds, at most {LEEWAY_S_MAX} |",
        f"| `lifetime_s_max` | {LIFETIME_S} | ",
        f"in seconds, at most {LIFETIME_S_MAX} |",
        f"Up to {PROVIDERS_MAX} providers",
        f"at most {TOKEN_LENGTH_MAX:,} characters",
        f"RSA keys have {RSA_BITS_MIN:,} to {RSA_BITS_MAX:,} bits",
        f"| {FETCH_S_MAX:.0f} seconds, {DOCUMENT_BYTES_MAX // 1_024} KB |",
        f"after {FRESH_S / 60:.0f} minutes of use",
        f"| {KEPT_S / 3_600:.0f} hours |",
        f"{TOKEN_BELIEVED_S_MAX:.0f} seconds at most |",
    ):
        assert told in PAGE, told
    assert TRIED_EVERY_S == 60
    assert all(f"`{one}`" in PAGE for one in Algorithm)
