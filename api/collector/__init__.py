"""The collector: events of tracking SDKs, acknowledged by Kafka before the answer."""

from api.collector.routing import CollectorRoutes

__all__ = ["CollectorRoutes"]
