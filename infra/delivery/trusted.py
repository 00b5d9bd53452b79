"""Certificate authorities that outgoing requests trust."""

import ssl

import certifi


def trusted() -> ssl.SSLContext:
    """For connections to receivers and mail servers: verified against the host's name, by what the
    operating system trusts (or `SSL_CERT_FILE` names) and by Mozilla's list."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
