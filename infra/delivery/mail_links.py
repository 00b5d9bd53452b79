"""Rewrites the html of a mail with tracked links and the open pixel."""

import re
from html import escape, unescape

from infra.delivery.tracking import Link, LinkSigner

_HREF = re.compile(r"""(<a\b[^>]*?\bhref\s*=\s*)(["'])(https?://[^"'<>]*)\2""", re.IGNORECASE)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)

MAX_URL = 2_000
"""Characters; a longer link stays as it is."""


def tracked(html: str, signer: LinkSigner, opened: Link, own: str) -> str:
    """The html with signed redirects for every http(s) link, except those that begin with `own`,
    and with the pixel at its end."""

    def through_us(found: re.Match[str]) -> str:
        url = unescape(found[3])
        if url.startswith(own) or len(url) > MAX_URL:
            return found[0]
        link = Link("click", opened.trigger_id, opened.customer_id, opened.channel, url)
        return f"{found[1]}{found[2]}{escape(signer.url(link))}{found[2]}"

    written = _HREF.sub(through_us, html)
    pixel = f'<img src="{escape(signer.url(opened))}" width="1" height="1" alt="">'
    end = _BODY_END.search(written)
    if end is None:
        return written + pixel
    return written[: end.start()] + pixel + written[end.start() :]
