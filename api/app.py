"""The FastAPI app with its routers and middleware."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from api import (
    calls,
    campaigns,
    contact,
    customers,
    dead_letters,
    deliveries,
    docs_page,
    health,
    home,
    mail,
    privacy,
    ringing,
    segment_script,
    shop,
    sources,
    tracker,
    triggers,
)
from api import playbook as playbooks
from api.collector import CollectorRoutes
from api.collector.documentation import document_collector
from api.customer_ids import CustomerIds
from api.documented import document_common
from api.errors import answer_errors
from api.host_guard import HostGuard, allowed_hosts
from api.parts import Parts
from infra.playbook.playbook_file import read_playbook
from infra.settings import Settings
from streams.playbook.compiled import CompiledPlaybook


def create_app(settings: Settings, playbook: CompiledPlaybook | None = None) -> FastAPI:
    """The app. It connects to its dependencies in its lifespan and starts without them. `playbook`
    defaults to that of the settings. Raises `PlaybookError`.
    """
    compiled = playbook if playbook is not None else read_playbook(settings.playbook)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        parts = Parts(settings, compiled)
        app.state.parts = parts
        await parts.start()
        try:
            yield
        finally:
            await parts.stop()

    app = _DocumentedApp(
        title="Daehwa",
        version="1",
        description="Real-time event-streaming e-CRM: every customer dialogue, as it happens.",
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # docs_page has them
        redoc_url=None,
    )
    app.router.routes.insert(0, CollectorRoutes())
    app.state.api_routes = []  # the app's own list holds whole routers
    for part in (
        health,
        contact,
        sources,
        privacy,  # before `customers`, whose path takes everything
        customers,
        triggers,
        calls,
        ringing,
        dead_letters,
        deliveries,
        mail,
        campaigns,
        playbooks,
        home,
        docs_page,
        shop,
        tracker,
        segment_script,
    ):
        app.include_router(part.router)
        app.state.api_routes += part.router.routes
    app.include_router(triggers.streams)
    app.state.api_routes += triggers.streams.routes
    answer_errors(app)
    app.add_middleware(CustomerIds)
    app.add_middleware(HostGuard, hosts=allowed_hosts(settings.allowed_hosts, settings.host))
    return app


class _DocumentedApp(FastAPI):
    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            schema = super().openapi()
            document_common(schema, self.state.api_routes)
            document_collector(schema)
        return super().openapi()
