"""What browsers are asked, and what they answer. Only this module knows the library for WebAuthn.

An answer is anybody's text. The library meets such texts with many kinds of errors, so each error means no. It takes
long to load, and checking a signature takes a part of a millisecond. Call these functions on a thread.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from padron.domain.passkeys import ANSWER_LENGTH_MAX, CHALLENGE_LASTS, CREDENTIAL_ID_BYTES_MAX, Party, Passkey
from padron.domain.people import User

if TYPE_CHECKING:
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.structs import AuthenticationCredential, RegistrationCredential

PUBLIC_KEY_BYTES_MAX = 2_048  # RSA with 8192 bits has 1,040
TITLE = "Padrón"

_TIMEOUT_MS = int(CHALLENGE_LASTS.total_seconds()) * 1_000
# Nothing is asked of the device's maker. Browsers leave one of these two, and the parsers of the others stay unused.
_STATEMENTS = frozenset({"none", "packed"})


class AnswerRefusedError(Exception):
    """An answer is malformed, or does not prove what it should. Nobody learns why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedAnswer:
    """The answer of a browser that signs somebody in, as it was read. Nothing of it is proved yet."""

    credential: "AuthenticationCredential"
    challenge: bytes
    credential_id: bytes
    user_handle: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeAnswer:
    """The answer of a browser that has made a passkey, as it was read. Nothing of it is proved yet."""

    credential: "RegistrationCredential"
    challenge: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeCredential:
    """What a device has made."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


def word_signing(party: Party, challenge: bytes) -> str:
    """Give what the browser needs to sign somebody in, as JSON. It names no passkey, so the device offers its own."""
    from webauthn import generate_authentication_options, options_to_json  # noqa: PLC0415 - see above
    from webauthn.helpers.structs import UserVerificationRequirement  # noqa: PLC0415

    return options_to_json(
        generate_authentication_options(
            rp_id=party.host,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
    )


def word_making(party: Party, challenge: bytes, user: User, known: Sequence[Passkey]) -> str:
    """Give what the browser needs to make a passkey, as JSON. A device with a known one does not make another."""
    from webauthn import generate_registration_options, options_to_json  # noqa: PLC0415 - see above
    from webauthn.helpers.structs import (  # noqa: PLC0415
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    return options_to_json(
        generate_registration_options(
            rp_id=party.host,
            rp_name=TITLE,
            user_id=user.user_id.encode(),
            user_name=user.email or user.user_id,
            user_display_name=user.name or user.user_id,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                require_resident_key=True,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in known],
            supported_pub_key_algs=_list_algorithms(),
        )
    )


def read_signed(text: str) -> SignedAnswer | None:
    """Give the answer of a browser that signs somebody in; None for any other text."""
    try:
        with _refusing():
            _check_length(text)
            from webauthn.helpers import parse_authentication_credential_json  # noqa: PLC0415 - see above

            credential = parse_authentication_credential_json(text)
            return SignedAnswer(
                credential=credential,
                challenge=_read_challenge(credential.response.client_data_json),
                credential_id=credential.raw_id,
                user_handle=credential.response.user_handle,
            )
    except AnswerRefusedError:
        return None


def read_made(text: str) -> MadeAnswer:
    """Give the answer of a browser that has made a passkey. Raises ``AnswerRefusedError``."""
    with _refusing():
        _check_length(text)
        from webauthn.helpers import parse_registration_credential_json  # noqa: PLC0415 - see above

        credential = parse_registration_credential_json(text)
        return MadeAnswer(credential=credential, challenge=_read_challenge(credential.response.client_data_json))


def check_signed(answer: SignedAnswer, passkey: Passkey, party: Party) -> int:
    """Give how often the device has signed, once the answer is proved. Raises ``AnswerRefusedError``.

    The caller has taken the challenge from the database, and compares the count.
    """
    with _refusing():
        from webauthn import verify_authentication_response  # noqa: PLC0415 - see above

        verified = verify_authentication_response(
            credential=answer.credential,
            expected_challenge=answer.challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # the caller's, in the transaction that writes the new one
            require_user_verification=True,
        )
        return verified.new_sign_count


def check_made(answer: MadeAnswer, party: Party) -> MadeCredential:
    """Give what a device has made, once the answer is proved. Raises ``AnswerRefusedError``.

    The caller has taken the challenge from the database.
    """
    with _refusing():
        from webauthn import verify_registration_response  # noqa: PLC0415 - see above
        from webauthn.helpers import parse_attestation_object  # noqa: PLC0415

        if parse_attestation_object(answer.credential.response.attestation_object).fmt not in _STATEMENTS:
            raise AnswerRefusedError
        verified = verify_registration_response(
            credential=answer.credential,
            expected_challenge=answer.challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=_list_algorithms(),
        )
        is_short = len(verified.credential_id) <= CREDENTIAL_ID_BYTES_MAX
        if not is_short or len(verified.credential_public_key) > PUBLIC_KEY_BYTES_MAX:
            raise AnswerRefusedError
        return MadeCredential(
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
        )


def _list_algorithms() -> "list[COSEAlgorithmIdentifier]":
    """Give the algorithms of the keys that are taken, the preferred one first: ES256, EdDSA and RS256."""
    from webauthn.helpers.cose import COSEAlgorithmIdentifier  # noqa: PLC0415 - see above

    return [
        COSEAlgorithmIdentifier.ECDSA_SHA_256,
        COSEAlgorithmIdentifier.EDDSA,
        COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
    ]


def _check_length(text: str) -> None:
    if len(text) > ANSWER_LENGTH_MAX:
        raise AnswerRefusedError


def _read_challenge(client_data: bytes) -> bytes:
    """Give the challenge that a browser signed, unless our page was in a frame of another site."""
    from webauthn.helpers import parse_client_data_json  # noqa: PLC0415 - see above

    parsed = parse_client_data_json(client_data)
    if parsed.cross_origin:
        raise AnswerRefusedError
    return parsed.challenge


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise AnswerRefusedError from error
