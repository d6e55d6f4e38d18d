"""The server's certificate and its key: two files in PEM, checked with a sentence for everything that can be wrong."""

import re
import ssl
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, NoReturn

from padron.cli.outputs import InputFileError, word_trouble
from padron.domain.instants import format_instant
from padron.domain.quoting import quote_path

FILE_BYTES_MAX = 1_000_000

_CERTIFICATE_BEGIN, _CERTIFICATE_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_find_key = re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----").search
_MISMATCHES = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"})
_VERSION_TAG, _SHORT_YEAR_TAG = 0xA0, 0x17  # of ASN.1, in a certificate (RFC 5280, 4.1)


class _EncryptedKeyError(Exception):
    """OpenSSL asks for the password of the key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedCertificate:
    """A certificate that the server can use, with its key, and when it is valid."""

    context: ssl.SSLContext
    name: str
    valid_from: datetime
    valid_until: datetime

    def find_warning(self, now: datetime) -> str | None:
        """Give a sentence if clients will refuse the certificate because of its dates."""
        if now > self.valid_until:
            return f"The certificate {self.name} expired at {format_instant(self.valid_until)}. Clients will refuse it."
        if now < self.valid_from:
            begin = format_instant(self.valid_from)
            return f"The certificate {self.name} is valid only from {begin}. Clients will refuse it."
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateFiles:
    """The two files: the certificate with its chain, and its key. They may be one file."""

    certificate: str
    key: str

    def load(self) -> LoadedCertificate:
        """Read and check both files. Raises ``InputFileError`` with a sentence."""
        text = _read(self.certificate)
        if _CERTIFICATE_BEGIN not in text or _CERTIFICATE_END not in text:
            raise InputFileError(
                f"{quote_path(self.certificate)} has no certificate in PEM, which begins with {_CERTIFICATE_BEGIN}."
            )
        if _find_key(_read(self.key)) is None:
            raise InputFileError(
                f"{quote_path(self.key)} has no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----."
            )
        context = self._open_context(text)
        begin = text.index(_CERTIFICATE_BEGIN)
        first = text[begin : text.index(_CERTIFICATE_END, begin) + len(_CERTIFICATE_END)]
        validity = read_validity(ssl.PEM_cert_to_DER_cert(first))
        return LoadedCertificate(
            context=context,
            name=quote_path(self.certificate),
            valid_from=validity.begin,
            valid_until=validity.end,
        )

    def _open_context(self, text: str) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Without a callback, OpenSSL would ask the terminal for the password of an encrypted key, and wait.
            context.load_cert_chain(self.certificate, self.key, password=_refuse_password)
        except _EncryptedKeyError:
            raise InputFileError(
                f"The key {quote_path(self.key)} is encrypted. Store it without a password, readable only for the "
                "server's user: openssl pkey -in KEY -out NEW."
            ) from None
        except ssl.SSLError as error:
            raise InputFileError(self._word(error, text)) from error
        except OSError as error:
            raise InputFileError(f"The certificate {quote_path(self.certificate)} cannot be read: {error}") from error
        return context

    def _word(self, error: ssl.SSLError, text: str) -> str:
        """Say which file is at fault. OpenSSL's error often does not."""
        certificate, key = quote_path(self.certificate), quote_path(self.key)
        if error.reason in _MISMATCHES:
            return (
                f"The key {key} does not belong to the certificate {certificate}. "
                "Name the key that it was made for. The server's own certificate must be the first in its file."
            )
        if error.reason:
            reason = error.reason.lower().replace("_", " ")
            return f"OpenSSL refuses the certificate {certificate} with the key {key}: {reason}."
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
        except (ssl.SSLError, ValueError):
            return f"OpenSSL cannot read the certificate {certificate}: the file is damaged."
        return f"OpenSSL cannot read the key {key}: the file is damaged."


class Validity(NamedTuple):
    """When a certificate is valid."""

    begin: datetime
    end: datetime


def read_validity(der: bytes) -> Validity:
    """Give the dates of a certificate that OpenSSL has already accepted. Python's ssl shows them only to a client."""
    certificate = _read_element(der, 0)
    place = _read_element(der, certificate.start).start
    element = _read_element(der, place)
    if element.tag == _VERSION_TAG:
        place = element.end
    for _ in ("serial number", "signature algorithm", "issuer"):
        place = _read_element(der, place).end
    begin = _read_element(der, _read_element(der, place).start)
    return Validity(_read_time(der, begin), _read_time(der, _read_element(der, begin.end)))


class _Element(NamedTuple):
    """An element of ASN.1: its tag, and where its content is."""

    tag: int
    start: int
    end: int


def _read_element(der: bytes, place: int) -> _Element:
    tag, length, start = der[place], der[place + 1], place + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(der[start : start + count])
        start += count
    return _Element(tag, start, start + length)


def _read_time(der: bytes, element: _Element) -> datetime:
    text = der[element.start : element.end].decode("ascii")
    form = "%y%m%d%H%M%SZ" if element.tag == _SHORT_YEAR_TAG else "%Y%m%d%H%M%SZ"
    return datetime.strptime(text, form).replace(tzinfo=UTC)


def _read(name: str) -> str:
    path = Path(name)
    try:
        if not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
            raise InputFileError(f"{quote_path(name)} is not a regular file, so it could not be read again.")
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise InputFileError(f"{quote_path(name)} cannot be read: {word_trouble(path, error)}.") from error
    if len(content) > FILE_BYTES_MAX:
        raise InputFileError(f"{quote_path(name)} has more than {FILE_BYTES_MAX:,} bytes, so it is something else.")
    return content.decode("latin-1")  # what is outside of the marks may be any text


def _refuse_password() -> NoReturn:
    raise _EncryptedKeyError
