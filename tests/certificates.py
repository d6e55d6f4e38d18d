"""Certificates for the tests of TLS, made by an authority that only these tests trust."""

import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trustme
from cryptography import x509

NAME = "padron.test"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """The files of a certificate and its key."""

    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        """The options of ``padron serve`` that name them."""
        return ("--tls-cert", str(self.certificate), "--tls-key", str(self.key))

    @property
    def serial(self) -> str:
        """The certificate's number, as a client sees it."""
        digits = f"{x509.load_pem_x509_certificate(self.certificate.read_bytes()).serial_number:X}"
        return digits.zfill(len(digits) + len(digits) % 2)

    def copy_from(self, other: "Pair") -> None:
        """Put another certificate and key into these files, as a renewal does."""
        self.certificate.write_bytes(other.certificate.read_bytes())
        self.key.write_bytes(other.key.read_bytes())


class Authority:
    """Issues certificates for ``NAME`` and this machine, and gives clients that trust them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()

    def issue(self, name: str, not_before: datetime | None = None, not_after: datetime | None = None) -> Pair:
        """Give new files with a new certificate."""
        issued = self._ca.issue_cert(NAME, "127.0.0.1", not_before=not_before, not_after=not_after)
        pair = Pair(certificate=self._folder / f"{name}.pem", key=self._folder / f"{name}.key")
        pair.certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(pair.key))
        return pair

    def trust(self) -> ssl.SSLContext:
        """Give the context of a client that trusts this authority and no other."""
        context = ssl.create_default_context()
        self._ca.configure_trust(context)
        return context
