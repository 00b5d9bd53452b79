"""Certificate authorities that outgoing requests trust."""

import ssl

import certifi


def trusted() -> ssl.SSLContext:
    """TLS context for receivers and mail servers: verifies the host name against the operating
    system's certificates (or `SSL_CERT_FILE`) and Mozilla's list."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
