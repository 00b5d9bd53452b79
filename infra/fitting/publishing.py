"""Puts a fitted model in force: workers use it from its offset on."""

import msgspec

from infra.kafka.definitions import publish
from infra.settings import Settings
from schemas.definition import CHURN_MODEL, Definition
from schemas.models import ChurnModels


async def publish_models(settings: Settings, models: ChurnModels) -> Definition:
    """Adopts the models. Raises `KafkaUnavailable`, and `ReplacedError` after a concurrent
    adoption."""
    return await publish(settings, CHURN_MODEL, msgspec.json.encode(models).decode(), "daehwa fit")
