"""The collector: what tracking SDKs send, on Kafka before they hear that it was accepted."""

from api.collector.routing import CollectorRoutes

__all__ = ["CollectorRoutes"]
