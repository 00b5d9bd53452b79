"""Channel of a tracked event."""

import re
from functools import lru_cache

from schemas.event import EventType

MAX_LENGTH = 64
"""Characters."""

_STATED = {"web": "web", "mobile": "app", "app": "app"}
_RESERVED = {"daehwa"}
"""The channel of what Daehwa itself puts on the log."""
_WORD = re.compile(r"[a-z][a-z0-9_-]*")
_APP = re.compile(r"android|ios|swift|kotlin|flutter|react-native|xamarin|unity|maui|cordova")
_SERVER = re.compile(r"\b(python|node|java|ruby|go|php|net|csharp|rust|clojure|elixir|server)\b")


@lru_cache(maxsize=4096)
def channel_of(kind: EventType, stated: str | None, library: str | None) -> str:
    """The channel of an event of the type `kind`.

    First what the event states in `channel` (`mobile` is our `app`; any other word is taken as it
    is, so that a till can send `store`). A library for servers speaks for customers it does not
    see, so its word (RudderStack's states `server`) says nothing about a page, which is always seen
    on the web, nor about a screen, which is always seen in an app. Then what kind of library sent
    it. What tells nothing is `web`.
    """
    word = (stated or "").strip().lower()
    if word in _STATED:
        return _STATED[word]
    if word != "server" and len(word) <= MAX_LENGTH and _WORD.fullmatch(word):
        return "web" if word in _RESERVED else word
    if kind == "page":
        return "web"
    if kind == "screen":
        return "app"
    if word == "server":
        return word
    name = (library or "").lower()
    if _APP.search(name):
        return "app"
    return "server" if _SERVER.search(name) else "web"
