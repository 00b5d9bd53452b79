"""Puts a fitted model in force: from its place on the log on, workers go by it."""

import msgspec

from infra.kafka.definitions import publish
from infra.settings import Settings
from schemas.definition import CHURN_MODEL, Definition
from schemas.models import ChurnModels


async def publish_models(settings: Settings, models: ChurnModels) -> Definition:
    """Adopts the models. `KafkaUnavailable`; `ReplacedError` where somebody else did meanwhile."""
    return await publish(settings, CHURN_MODEL, msgspec.json.encode(models).decode(), "daehwa fit")
