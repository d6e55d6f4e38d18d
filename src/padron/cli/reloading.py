"""SIGHUP reads the certificate again, in every process, without touching a connection that is open.

A certificate that cannot be used is reported once, and the one before stays. Without TLS the signal does nothing.
"""

import logging
import ssl
import sys
import time
from datetime import UTC, datetime

from padron.cli.certificates import CertificateFiles, LoadedCertificate
from padron.cli.outputs import InputFileError
from padron.domain.instants import format_instant
from padron.hangups import HANGUPS

RESTART_S = 3.0  # between two attempts of a process that has no certificate

_log = logging.getLogger("padron.serve")


class LiveCertificate:
    """The certificate of a serving process. A new connection gets the one that was loaded last."""

    def __init__(self, files: CertificateFiles) -> None:
        """Load the files. Raises ``InputFileError``."""
        self._files = files
        self.context = files.load().context  # the event loop keeps this one for as long as it listens
        self._latest = self.context

    def reload(self) -> LoadedCertificate:
        """Load the files again. Raises ``InputFileError``, and then nothing changes."""
        loaded = self._files.load()
        self._latest = loaded.context
        # Certificate and key change at once with the context. Loading both into the old context would change one after
        # the other, and a key that does not fit would leave the server without a certificate.
        self.context.sni_callback = self._choose
        return loaded

    def _choose(self, connection: ssl.SSLObject, _name: str, _context: ssl.SSLContext) -> None:
        connection.context = self._latest


def say_nothing_to_reload() -> None:
    """Log what SIGHUP does without TLS, unless somebody else in this process reads something again."""
    if len(HANGUPS) <= 1:
        _log.info("SIGHUP: the server has no certificate to read again")


def check_files(files: CertificateFiles) -> bool:
    """Load the certificate as SIGHUP does, log what came of it, and say whether it can be used."""
    try:
        loaded = files.load()
    except InputFileError as error:
        _log.error("The certificate stays as it was: %s", error)
        return False
    say_reloaded(loaded)
    return True


def say_reloaded(loaded: LoadedCertificate) -> None:
    """Log that new connections get this certificate."""
    _log.info("New connections get the certificate %s, valid until %s", loaded.name, format_instant(loaded.valid_until))
    warn_of_dates(loaded)


def warn_of_dates(loaded: LoadedCertificate) -> None:
    """Log a warning if clients will refuse the certificate because of its dates."""
    warning = loaded.find_warning(datetime.now(UTC))
    if warning is not None:
        _log.warning("%s", warning)


def open_tls(certificate: str, key: str, is_alone: bool, *_: object) -> ssl.SSLContext:  # noqa: FBT001
    """Give the context of a process that begins to serve, and let it hear SIGHUP.

    uvicorn calls it in each process, with two arguments that nothing here needs. One of several processes
    (not ``is_alone``) logs only failures, because its parent says the rest.
    """
    try:
        live = LiveCertificate(CertificateFiles(certificate=certificate, key=key))
    except InputFileError as error:
        _log.error("This process cannot serve: %s", error)
        if not is_alone:
            time.sleep(RESTART_S)  # the parent starts another one at once, and the files may stay bad for long
        sys.exit(1)

    def reload() -> None:
        try:
            loaded = live.reload()
        except InputFileError as error:
            _log.error("The certificate stays as it was: %s", error)
            return
        if is_alone:
            say_reloaded(loaded)

    HANGUPS.add(reload)
    return live.context
