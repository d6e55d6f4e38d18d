"""Tokens that must be refused, each with the reason that the refusal gives: forged, damaged, or meant for others.

All of them are signed rightly unless their signature is what is wrong with them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.issuers import (
    ISSUER,
    NOW_S,
    RESOURCE,
    Issuer,
    describe,
    encode,
    encode_json,
    make_claims,
    make_ec,
    make_ed25519,
    make_header,
    make_rsa,
    sign_text,
    sign_with_secret,
)

_NOT_SIGNED = "its signature does not fit"
_ALGORITHM = "its algorithm is not ES256 or EdDSA or RS256"
_TYPE = "its header typ is not at+jwt"
_NO_KEY = "its provider has no key with the kid of its header for this algorithm"
_UNKNOWN_ISSUER = "its issuer is not one of the configured providers"
_AUDIENCE = f"its audience is not {RESOURCE}"
_PARTS = "it does not have the three parts of a signed JWT"


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """A token, and what the refusal says about it."""

    name: str
    token: str
    reason: str


def list_forgeries() -> list[Forgery]:
    issuer = Issuer()
    return [
        *_list_unsigned(issuer), *_list_headers(issuer), *_list_keys(issuer), *_list_times(issuer),
        *_list_holders(issuer), *_list_damaged(issuer),
    ]  # fmt: skip


def _list_unsigned(issuer: Issuer) -> Iterator[Forgery]:
    good = issuer.issue()
    head, claims, signature = good.split(".")
    for name in ("none", "None", "NONE", "nOnE"):
        unsigned = f"{encode_json(make_header(alg=name))}.{claims}."
        yield Forgery(name=f"alg {name} and no signature", token=unsigned, reason="its signature is not base64url")
        yield Forgery(name=f"alg {name} and an old signature", token=unsigned + signature, reason=_ALGORITHM)
    yield Forgery(name="no signature", token=f"{head}.{claims}.", reason="its signature is not base64url")
    other = encode_json(make_claims(sub="root"))
    yield Forgery(name="other claims", token=f"{head}.{other}.{signature}", reason=_NOT_SIGNED)
    longer = encode_json(make_header(x="y"))
    yield Forgery(name="another header", token=f"{longer}.{claims}.{signature}", reason=_NOT_SIGNED)
    flipped = signature[:9] + ("A" if signature[9] != "A" else "B") + signature[10:]
    yield Forgery(name="a changed signature", token=f"{head}.{claims}.{flipped}", reason=_NOT_SIGNED)
    yield Forgery(name="half a signature", token=f"{head}.{claims}.{signature[:100]}", reason=_NOT_SIGNED)
    zeros = encode(bytes(64))
    es256 = encode_json(make_header(alg="ES256", kid="ec"))
    yield Forgery(name="a signature of zeros", token=f"{es256}.{claims}.{zeros}", reason=_NOT_SIGNED)
    pem = make_rsa().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, secret in (
        ("the public key", pem),
        ("nothing", b""),
        ("the modulus", describe(make_rsa())["n"].encode()),
    ):
        forged = sign_with_secret(make_header(), make_claims(), secret)
        yield Forgery(name=f"HS256 with {name} as its secret", token=forged, reason=_ALGORITHM)


def _list_headers(issuer: Issuer) -> Iterator[Forgery]:
    stranger = make_rsa(2_048, 1)
    key = describe(stranger, kid="rsa")
    for name, value in {
        "jwk": key,
        "jku": f"{ISSUER}/keys",
        "x5u": f"{ISSUER}/certificate",
        "x5c": ["MIIB"],
        "crit": ["exp"],
        "b64": False,
        "zip": "DEF",
        "enc": "A128GCM",
    }.items():
        header = make_header(**{name: value})
        yield Forgery(
            name=f"header {name}", token=issuer.issue(header=header, key=stranger), reason=f"its header has {name}"
        )
        yield Forgery(name=f"header {name}, signed", token=issuer.issue(header=header), reason=f"its header has {name}")
    for crit in ([], ["b64"], "b64"):
        token = issuer.issue(header=make_header(crit=crit))
        yield Forgery(name=f"header crit {crit}", token=token, reason="its header has crit")
    for kind in (
        None,
        "JWT",
        "jwt",
        "at",
        "application/jwt",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "\uff41t+jwt",
        7,
        ["at+jwt"],
    ):
        yield Forgery(name=f"typ {kind}", token=issuer.issue(header=make_header(typ=kind)), reason=_TYPE)
    for algorithm in ("RS384", "RS512", "PS256", "ES384", "rs256", "RS256 ", "EdDSA "):
        forged = sign_text(
            json.dumps(make_header(alg=algorithm)),
            json.dumps(make_claims()),
            algorithm=algorithm.strip().upper().replace("EDDSA", "RS256"),
        )
        yield Forgery(name=f"alg {algorithm!r}, which is not allowed", token=forged, reason=_ALGORITHM)
    odd: tuple[object, ...] = (None, 256, ["RS256"], {})
    for value in odd:
        forged = sign_text(json.dumps(make_header(alg=value)), json.dumps(make_claims()))
        yield Forgery(name=f"alg {value!r}", token=forged, reason=_ALGORITHM)


def _list_keys(issuer: Issuer) -> Iterator[Forgery]:
    stranger = make_rsa(2_048, 1)
    yield Forgery(name="the key of a stranger", token=issuer.issue(key=stranger), reason=_NOT_SIGNED)
    for kid in ("other", "../rsa", "rsa\0", "' OR 1=1 --", "/dev/null", "RSA", "ed"):
        token = issuer.issue(header=make_header(kid=kid))
        yield Forgery(name=f"kid {kid!r}", token=token, reason=_NO_KEY)
    for bad in ("", "k" * 257, 7, ["rsa"], {"kid": "rsa"}):
        token = issuer.issue(header=make_header(kid=bad))
        reason = "its header kid is not a text of 1 to 256 characters"
        yield Forgery(name=f"kid {str(bad)[:20]!r}", token=token, reason=reason)
    header = make_header(alg="ES256")  # with the name of the RSA key
    yield Forgery(name="alg of another key", token=issuer.issue(header=header, key=make_ec()), reason=_NO_KEY)
    header = make_header(alg="RS256", kid="ec")
    yield Forgery(name="kid of another key", token=issuer.issue(header=header), reason=_NO_KEY)
    header = make_header(alg="EdDSA", kid="ed")
    foreign = sign_text(json.dumps(header), json.dumps(make_claims()), make_ec(), "ES256")
    yield Forgery(name="EdDSA with the signature of a P-256 key", token=foreign, reason=_NOT_SIGNED)
    good = issuer.issue(header=make_header(alg="EdDSA", kid="ed"), key=make_ed25519())
    claims = encode_json(make_claims(scope="vehicles:erase"))
    head, _, signature = good.split(".")
    yield Forgery(name="EdDSA with other claims", token=f"{head}.{claims}.{signature}", reason=_NOT_SIGNED)


def _list_times(issuer: Issuer) -> Iterator[Forgery]:
    at = "at 2026-03-01T11:59:30Z"
    yield _claim(issuer, "expired by its leeway", f"it expired {at}", exp=NOW_S - 30)
    yield _claim(issuer, "expired yesterday", "it expired at 2026-02-28", exp=NOW_S - 86_400, iat=NOW_S - 90_000)
    yield _claim(issuer, "issued in the future", "it is issued in the future (iat)", iat=NOW_S + 31)
    yield _claim(issuer, "not valid yet", "it is not valid yet (nbf)", nbf=NOW_S + 31)
    long = "it is not issued for at most 7200 seconds (from iat to exp)"
    yield _claim(issuer, "issued for a day", long, exp=NOW_S + 86_400)
    yield _claim(issuer, "issued for ever", long, exp=253_402_300_799)
    yield _claim(issuer, "expired before it was issued", long, iat=NOW_S + 20, exp=NOW_S + 10)
    for name in ("exp", "iat"):
        odd: tuple[object, ...] = (None, "1772366400", True, [], {}, -1, 1e300, 10**30)
        for value in odd:
            reason = f"its claim {name} is not an instant in seconds"
            yield _claim(issuer, f"{name} {value!r}", reason, **{name: value})
    yield _claim(issuer, "nbf in words", "its claim nbf is not an instant in seconds", nbf="now")
    for text in ("1e999", "Infinity", "NaN", "-Infinity"):
        claims = json.dumps(make_claims(exp=0)).replace('"exp": 0', f'"exp": {text}')
        reason = "its claim exp is not an instant in seconds" if text == "1e999" else "its claims is not JSON"
        yield Forgery(name=f"exp {text}", token=sign_text(json.dumps(make_header()), claims), reason=reason)


def _list_holders(issuer: Issuer) -> Iterator[Forgery]:
    for value in (None, "https://id.example", f"{ISSUER}/", ISSUER.upper(), "https://evil.example/fleet", [ISSUER], 7):
        yield _claim(issuer, f"iss {value}", _UNKNOWN_ISSUER, iss=value)
    for audience in (
        None,
        "",
        "https://other.example",
        f"{RESOURCE}/",
        RESOURCE.upper(),
        [],
        ["a", "b"],
        {RESOURCE: 1},
        [[RESOURCE]],
        7,
    ):
        yield _claim(issuer, f"aud {audience}", _AUDIENCE, aud=audience)
    for subject in (None, "", 7, ["a"], "s" * 256):
        reason = "its claim sub is not a text of 1 to 255 characters"
        yield _claim(issuer, f"sub {str(subject)[:20]}", reason, sub=subject)
    yield _claim(issuer, "bound to a key", "it is bound to a key of its holder (cnf)", cnf={"jkt": "abc"})
    yield _claim(issuer, "bound to nothing", "it is bound to a key of its holder (cnf)", cnf={})


def _list_damaged(issuer: Issuer) -> Iterator[Forgery]:
    good = issuer.issue()
    head, claims, signature = good.split(".")
    yield Forgery(name="two parts", token=f"{head}.{claims}", reason=_PARTS)
    yield Forgery(name="an encrypted token", token=f"{good}.{head}.{claims}", reason=_PARTS)
    yield Forgery(name="only dots", token="..", reason="its header is not base64url")
    yield Forgery(name="a long token", token=f"{good}{'A' * 8_192}", reason="it has more than 8192 characters")
    yield Forgery(name="padding", token=f"{head}.{claims}.{signature}==", reason="its signature is not base64url")
    yield Forgery(name="a space inside", token=f"{head}. {claims}.{signature}", reason="its claims is not base64url")
    plain = f"{head}.{claims}.{signature[:9]}+/{signature[11:]}"
    yield Forgery(name="the alphabet of plain base64", token=plain, reason="its signature is not base64url")
    last = "BCDEFGHIJKLMNOPQRSTUVWXYZ"
    twin = next(one for one in last if one != signature[-1])
    bits = f"{head}.{claims}.{signature[:-1]}{twin}"
    yield Forgery(name="a bit too many", token=bits, reason="its signature is not base64url")
    texts = {
        "a list": "[]",
        "a text": '"a"',
        "null": "null",
    }
    for name, text in texts.items():
        token = sign_text(json.dumps(make_header()), text)
        yield Forgery(name=f"claims that are {name}", token=token, reason="its claims is not a JSON object")
        token = sign_text(text, json.dumps(make_claims()))
        yield Forgery(name=f"a header that is {name}", token=token, reason="its header is not a JSON object")
    twice = json.dumps(make_claims())[:-1] + f', "iss": "{ISSUER}"}}'
    yield Forgery(
        name="a claim twice", token=sign_text(json.dumps(make_header()), twice), reason="its claims is not JSON"
    )
    twice = json.dumps(make_header(alg="none"))[:-1] + ', "alg": "RS256"}'
    yield Forgery(name="alg twice", token=sign_text(twice, json.dumps(make_claims())), reason="its header is not JSON")
    deep = "[" * 3_000
    yield Forgery(
        name="claims of 3,000 lists", token=sign_text(json.dumps(make_header()), deep), reason="its claims is not JSON"
    )
    yield Forgery(
        name="no JSON", token=sign_text(json.dumps(make_header()), "{'iss': 1}"), reason="its claims is not JSON"
    )
    bad = encode(b'{"alg": "\xff"}')
    yield Forgery(name="no UTF-8", token=f"{bad}.{claims}.{signature}", reason="its header is not JSON")


def _claim(issuer: Issuer, name: str, reason: str, **changes: object) -> Forgery:
    return Forgery(name=name, token=issuer.issue(make_claims(**changes)), reason=reason)
