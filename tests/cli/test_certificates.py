"""The files of the certificate are checked at the start: everything that can be wrong with them is one sentence."""

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from padron.cli.certificates import FILE_BYTES_MAX, CertificateFiles, LoadedCertificate, read_validity
from padron.cli.outputs import InputFileError
from tests.certificates import Authority, Pair
from tests.cli.conftest import Cli, check_sentence

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.issue("server")


def load(pair: Pair) -> LoadedCertificate:
    return CertificateFiles(certificate=str(pair.certificate), key=str(pair.key)).load()


def refuse(cli: Cli, certificate: Path | str, key: Path | str, said: str) -> None:
    """Expect ``padron serve`` to refuse these files, before it makes or opens anything."""
    check_sentence(cli("serve", "--tls-cert", str(certificate), "--tls-key", str(key)), 2, said)
    assert not Path("padron.db").exists()


def damage(path: Path, name: str) -> Path:
    """Give a copy with bytes in the middle that are not what they were."""
    lines = path.read_text().splitlines()
    lines[3:6] = reversed(lines[3:6])
    (damaged := Path(name)).write_text("\n".join(lines))
    return damaged


def encrypt(pair: Pair, form: serialization.PrivateFormat) -> Path:
    key = serialization.load_pem_private_key(pair.key.read_bytes(), None)
    password = serialization.BestAvailableEncryption(b"secret")
    Path("encrypted.key").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, password))
    return Path("encrypted.key")


def test_a_key_of_another_certificate_is_refused(cli: Cli, authority: Authority, pair: Pair) -> None:
    other = authority.issue("other")
    refuse(cli, pair.certificate, other.key, "other.key' does not belong to the certificate")


@pytest.mark.parametrize("form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_is_refused_and_no_terminal_is_asked(
    cli: Cli, pair: Pair, form: serialization.PrivateFormat
) -> None:
    refuse(cli, pair.certificate, encrypt(pair, form), "The key 'encrypted.key' is encrypted. Store it without")


def test_damaged_files_are_refused_and_the_right_one_is_named(cli: Cli, pair: Pair) -> None:
    refuse(cli, damage(pair.certificate, "bad.pem"), pair.key, "cannot read the certificate 'bad.pem'")
    Path("bad.key").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    refuse(cli, pair.certificate, "bad.key", "cannot read the key 'bad.key'")


def test_files_in_each_others_place_or_of_another_form_are_refused(cli: Cli, pair: Pair) -> None:
    refuse(cli, pair.key, pair.certificate, "server.key' has no certificate in PEM")
    refuse(cli, pair.certificate, pair.certificate, "server.pem' has no private key in PEM")
    certificate = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
    Path("server.der").write_bytes(certificate)
    refuse(cli, "server.der", pair.key, "'server.der' has no certificate in PEM, which begins with -----BEGIN")


@pytest.mark.parametrize(
    "path, said",
    [
        ("none.pem", "'none.pem' cannot be read: there is no such file."),
        ("sub", "'sub' cannot be read: it is a folder."),
        ("sin/año.pem", "'sin/año.pem' cannot be read: there is no folder 'sin'."),
        ("/dev/null", "'/dev/null' is not a regular file"),
        ("pipe", "'pipe' is not a regular file"),
        ("large", f"'large' has more than {FILE_BYTES_MAX:,} bytes"),
    ],
)
def test_what_cannot_be_read_is_refused(cli: Cli, pair: Pair, path: str, said: str) -> None:
    Path("sub").mkdir()
    os.mkfifo("pipe")
    Path("large").write_bytes(b"-" * (FILE_BYTES_MAX + 1))
    refuse(cli, path, pair.key, said)
    refuse(cli, pair.certificate, path, said)


def test_a_file_without_permission_is_refused(cli: Cli, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.key").write_bytes(pair.key.read_bytes())
    Path("mine.key").chmod(0)
    if os.access("mine.key", os.R_OK):  # root can read everything

        def fail(*_: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", fail)
        refuse(cli, "mine.key", pair.key, "'mine.key' cannot be read: this user has no permission.")
    else:
        refuse(cli, pair.certificate, "mine.key", "'mine.key' cannot be read: this user has no permission.")


def test_one_without_the_other_is_refused(cli: Cli, pair: Pair) -> None:
    check_sentence(cli("serve", "--tls-cert", str(pair.certificate)), 2, "--tls-cert is set without its key")
    check_sentence(cli("serve", "--tls-key", str(pair.key)), 2, "--tls-key is set without its certificate")


def test_both_may_be_in_one_file(authority: Authority, pair: Pair, tmp_path: Path) -> None:
    del authority
    both = tmp_path / "both.pem"
    both.write_bytes(b"a note\n" + pair.key.read_bytes() + pair.certificate.read_bytes())
    load(Pair(certificate=both, key=both))


def test_tls_is_1_2_at_least(pair: Pair) -> None:
    assert load(pair).context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("end", [BEGIN + timedelta(days=90), datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
                                 datetime(2050, 1, 1, tzinfo=UTC), datetime(2999, 6, 1, tzinfo=UTC)])  # fmt: skip
def test_the_dates_are_read_as_others_read_them(authority: Authority, end: datetime) -> None:
    made = authority.issue(f"until-{end:%Y%m%d}", BEGIN, end)
    loaded = load(made)
    assert (loaded.valid_from, loaded.valid_until) == (BEGIN, end)
    read = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    der = read.public_bytes(serialization.Encoding.DER)
    assert read_validity(der) == (read.not_valid_before_utc, read.not_valid_after_utc)


def test_dates_that_clients_refuse_are_a_warning(authority: Authority) -> None:
    loaded = load(authority.issue("dates", BEGIN, BEGIN + timedelta(days=90)))
    assert loaded.find_warning(BEGIN) is None
    assert loaded.find_warning(BEGIN + timedelta(days=90)) is None
    expired = loaded.find_warning(BEGIN + timedelta(days=90, seconds=1))
    assert expired is not None
    assert "dates.pem' expired at 2026-04-01T00:00:00Z" in expired
    early = loaded.find_warning(BEGIN - timedelta(seconds=1))
    assert early is not None
    assert "is valid only from 2026-01-01T00:00:00Z" in early


def test_loading_again_raises_the_same_sentences(pair: Pair) -> None:
    with pytest.raises(InputFileError, match="there is no such file"):
        load(Pair(certificate=Path("none.pem"), key=pair.key))
