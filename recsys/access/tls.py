"""The certificate of an HTTPS service, looked at before the service starts with it."""

from __future__ import annotations

import ssl
from pathlib import Path

from recsys.errors import ConfigError


def require_certificate(certificate: Path, key: Path) -> None:
    """Return when the two belong together and can be used; raises `ConfigError` with what is wrong."""
    for file in (certificate, key):
        if not file.is_file():
            raise ConfigError(
                "HTTPS cannot start", expected="a PEM file", found="no such file", where=str(file)
            )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without the password callback OpenSSL would ask on the terminal, and a service has none.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ConfigError(
            "HTTPS cannot start",
            expected="a certificate chain and its private key, both PEM, the key without a password",
            found=str(error),
            where=f"{certificate}, {key}",
        ) from error
