"""The models of churn and value adopted last, for views."""

import msgspec

from infra.kafka.definition_tail import DefinitionTail
from schemas.definition import CHURN_MODEL
from schemas.models import ChurnModels
from streams.codec.codec import UNREADABLE

_DEFAULT = ChurnModels()


class LatestModels:
    """A callable that returns the models; the defaults until usable ones are adopted."""

    def __init__(self, tail: DefinitionTail) -> None:
        self._tail = tail
        self._version = ""
        self._models = _DEFAULT

    def __call__(self) -> ChurnModels:
        latest = self._tail.known.latest(CHURN_MODEL)
        if latest is not None and latest.version != self._version:
            self._version = latest.version
            try:
                self._models = msgspec.json.decode(latest.content, type=ChurnModels)
            except UNREADABLE:
                # The workers log it; like them, this keeps the models before it.
                return self._models
        return self._models
