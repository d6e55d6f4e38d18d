"""The file of identity providers that ``--providers`` names: who they are, and what their tokens may do.

The form is in docs/providers.md. Nothing of it is secret.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from padron.domain.account import Scope
from padron.domain.people import ROLE_SCOPES, Role
from padron.domain.providers import (
    ACCESS_TOKEN_TYPE,
    DEFAULT_ALGORITHMS,
    LEEWAY_S_MAX,
    LIFETIME_S_MAX,
    PLAIN_TOKEN_TYPE,
    AccountChoice,
    Algorithm,
    ClaimCondition,
    Grant,
    OpenIdClient,
    Provider,
    Providers,
    find_url_fault,
    give_forms,
)
from padron.domain.quoting import quote
from padron.toml_tables import TomlTable, read_toml

LEEWAY_S = 30
LIFETIME_S = 7_200
PROVIDERS_MAX = 20
GRANTS_MAX = 1_000  # of one provider: each new token is compared with all of them
NAME_LENGTH_MAX = 200  # of a claim, an audience or a value

_TOKEN_TYPES = (ACCESS_TOKEN_TYPE, PLAIN_TOKEN_TYPE)
_match_name = re.compile("[a-z][0-9a-z-]{0,19}").fullmatch
_match_scope = re.compile("[!#-\\[\\]-~]{1,200}").fullmatch  # RFC 6749, 3.3


def read_providers(path: Path) -> Providers:
    """Give the providers of a file. Raises ``SettingsError``, which names the line and the key."""
    top = read_toml(path)
    resource = top.read_text("resource")
    fault = find_url_fault(resource)
    if fault is not None:
        top.refuse("resource", f"{fault}: use the address of this server as its clients know it")
    allows_passwords = top.read_switch("password_sign_in", default=True)
    tables = top.read_table("providers")
    top.refuse_rest()
    names = tables.list_names()
    if not 0 < len(names) <= PROVIDERS_MAX:
        top.refuse("providers", f"has no provider, or more than {PROVIDERS_MAX}")
    listed: list[Provider] = []
    for name in names:
        if _match_name(name) is None:
            tables.refuse(name, "is no name for a provider: use up to 20 of a-z, 0-9 and -, a letter first")
        table = tables.read_table(name)
        provider = _read_provider(name, table, resource.rstrip("/"))
        if any(provider.issuer == other.issuer for other in listed):
            table.refuse("issuer", "is that of another provider too: give both the grants of one")
        listed.append(provider)
    if not allows_passwords and all(provider.client is None for provider in listed):
        top.refuse("password_sign_in", "is false, but no provider has a client_id, so nobody could sign in")
    return Providers(resource=resource.rstrip("/"), listed=tuple(listed), allows_passwords=allows_passwords)


def _read_provider(name: str, table: TomlTable, resource: str) -> Provider:
    issuer = table.read_text("issuer")
    fault = find_url_fault(issuer)
    if fault is not None:
        table.refuse("issuer", fault)
    grants = table.read_tables("grants")
    if not 0 < len(grants) <= GRANTS_MAX:
        table.refuse("grants", f"is not a list of 1 to {GRANTS_MAX} grants")
    client = _read_client(name, table)
    default = [resource] if client is None else []
    provider = Provider(
        name=name,
        issuer=issuer,
        audiences=frozenset(_read_names(table, "audience", default) if table.has("audience") or default else ()),
        algorithms=_read_algorithms(table),
        token_types=_read_token_types(table),
        actor_claim=table.read_text("actor_claim", "sub"),
        leeway_s=table.read_number("leeway_s", LEEWAY_S, 0, LEEWAY_S_MAX),
        lifetime_s_max=table.read_number("lifetime_s_max", LIFETIME_S, 60, LIFETIME_S_MAX),
        grants=tuple(map(_read_grant, grants)),
        client=client,
    )
    table.refuse_rest()
    if client is not None and client.client_id in provider.audiences and PLAIN_TOKEN_TYPE in provider.token_types:
        table.refuse("audience", "has the client_id, so identity tokens would be taken as access tokens: use another")
    if client is not None and all(grant.role is None for grant in provider.grants):
        table.refuse("grants", "has no role, so nobody could sign in")
    return provider


def _read_client(name: str, table: TomlTable) -> OpenIdClient | None:
    """Give what people need to sign in; None without a client_id."""
    secret_file = table.read_text("client_secret_file", "")
    title = table.read_text("title", name)
    scopes = table.read_texts("sign_in_scopes", ["openid", "profile", "email"])
    links_by_email = table.read_switch("link_by_email", default=False)
    client_id = table.read_text("client_id", "")
    if not client_id:
        for other in ("client_secret_file", "title", "sign_in_scopes", "link_by_email"):
            if table.has(other):
                table.refuse(other, "needs a client_id")
        return None
    if "openid" not in scopes or any(_match_scope(scope) is None for scope in scopes):
        table.refuse("sign_in_scopes", "is not a list of words with openid among them")
    return OpenIdClient(
        client_id=client_id,
        client_secret=table.read_secret("client_secret_file") if secret_file else "",
        title=title,
        scopes=tuple(scopes),
        links_by_email=links_by_email,
    )


def _read_algorithms(table: TomlTable) -> frozenset[Algorithm]:
    chosen = table.read_texts("algorithms", sorted(DEFAULT_ALGORITHMS))
    for text in chosen:
        if text not in [one.value for one in Algorithm]:
            table.refuse("algorithms", f"has {quote(text)}: choose from {', '.join(Algorithm)}")
    return frozenset(map(Algorithm, chosen))


def _read_token_types(table: TomlTable) -> frozenset[str]:
    types = [text.lower() for text in table.read_texts("token_types", [ACCESS_TOKEN_TYPE])]
    for text in types:
        if text not in _TOKEN_TYPES:
            table.refuse("token_types", f"has {quote(text)}: choose from at+jwt and JWT")
    return frozenset(types)


def _read_grant(table: TomlTable) -> Grant:
    when = table.read_table("when")
    role = _read_role(table)
    scopes = table.read_texts("scopes") if role is None else [scope.value for scope in ROLE_SCOPES[role]]
    for text in scopes:
        if text not in [scope.value for scope in Scope]:
            table.refuse("scopes", f"has {quote(text)}: choose from {', '.join(Scope)}")
    grant = Grant(
        conditions=tuple(_read_condition(when, claim) for claim in when.list_names()),
        account=_read_account(table),
        scopes=frozenset(scopes),
        scopes_from=table.read_text("scopes_from", ""),
        role=role,
    )
    if not grant.conditions and not grant.scopes_from and grant.account.names is None:
        table.refuse(
            "when",
            "is missing: without a condition, every token of the provider would have these scopes. Name a claim.",
        )
    table.refuse_rest()
    return grant


def _read_role(table: TomlTable) -> Role | None:
    text = table.read_text("role", "")
    if not text:
        return None
    if table.has("scopes"):
        table.refuse("scopes", "cannot be beside role, which has scopes of its own")
    if text not in [role.value for role in Role]:
        table.refuse("role", f"is {quote(text)}: choose from {', '.join(Role)}")
    return Role(text)


def _read_condition(table: TomlTable, claim: str) -> ClaimCondition:
    values = give_forms(table.read(claim))
    value = table.read(claim)
    count = len(value) if isinstance(value, list) else 1
    if not claim or not values or len(values) != count:
        table.refuse(claim, "is not a text, a whole number, true or false, or a list of different ones")
    return ClaimCondition(claim=claim, values=values)


def _read_account(table: TomlTable) -> AccountChoice:
    if isinstance(table.read("account"), str):
        return AccountChoice(name=table.read_text("account"))
    if not table.has("account"):
        table.refuse("account", "is missing")
    choice = table.read_table("account")
    names = choice.read_table("names")
    found = AccountChoice(
        claim=choice.read_text("claim"), names={value: names.read_text(value) for value in names.list_names()}
    )
    if not found.names:
        choice.refuse("names", "is missing: it is the table from the claim's values to accounts")
    choice.refuse_rest()
    return found


def _read_names(table: TomlTable, name: str, default: Iterable[str]) -> list[str]:
    names = table.read_texts(name, list(default))
    if any(len(text) > NAME_LENGTH_MAX for text in names):
        table.refuse(name, f"has a text of more than {NAME_LENGTH_MAX} characters")
    return names
