"""Makes the FastAPI application of a service: its routes behind the guard, health, metrics, problem documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import JSONResponse, Response

from ipcc.auth.guard import current_principal
from ipcc.http import errors
from ipcc.http.examples import weave
from ipcc.http.requests import RequestFrame
from ipcc.http.service import Service
from ipcc.metrics import CONTENT_TYPE


def create_app(service: Service) -> FastAPI:
    """The application; its lifespan is ``service.run``."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with service.run():
            yield

    app = FastAPI(
        title=service.title,
        description=service.description,
        version=release(),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.service = service
    app.state.authenticator = service.authenticator
    errors.install(app)
    app.add_middleware(errors.CatchAll)
    app.add_middleware(
        RequestFrame, service=service.name, metrics=service.metrics, max_body_bytes=service.max_body_bytes
    )
    app.include_router(_open_routes())
    for page in service.pages:
        app.include_router(page)
    for router in service.routers:
        app.include_router(router, dependencies=[Depends(current_principal)], responses=errors.RESPONSES)
    app.include_router(_described(), dependencies=[Depends(current_principal)])
    described = app.openapi
    # made once and kept by the application itself
    app.openapi = lambda: app.openapi_schema or weave(described(), service.examples)  # type: ignore[method-assign]
    return app


def release() -> str:
    """The version of this distribution; `0` when it runs from a folder that was not installed."""
    try:
        return version("ipcc")
    except PackageNotFoundError:
        return "0"


def _open_routes() -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/health/live", summary="The process answers")
    async def live(request: Request) -> dict[str, str]:
        service: Service = request.app.state.service
        return {"service": service.name, "instance": service.settings.instance, "status": "alive"}

    @router.get(
        "/health/ready",
        summary="Everything the service needs is there; 503 names what is not, `warnings` what stops nothing",
    )
    async def ready(request: Request) -> Response:
        service: Service = request.app.state.service
        reasons = await service.health.reasons(service.metrics)
        warnings = await service.health.complaints(service.metrics)
        red = any(reasons.values())
        body = {
            "service": service.name,
            "status": "red" if red else "green",
            "components": {
                name: {"status": "red", "reason": reason} if reason else {"status": "green"}
                for name, reason in reasons.items()
            },
            **({"warnings": warnings} if warnings else {}),
        }
        return JSONResponse(body, 503 if red else 200)

    @router.get("/metrics", summary="Prometheus metrics", response_class=Response)
    async def metrics(request: Request) -> Response:
        service: Service = request.app.state.service
        return Response(service.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    return router


def _described() -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi(request: Request) -> JSONResponse:
        return JSONResponse(request.app.openapi())

    return router
