"""The pages and the API over HTTP, read-only: the one file that knows the web framework.

Every answer is made from what `Watcher` knows at that moment. Only this machine is answered, and only under its own
names, so that no page elsewhere can read results through a name that it points here.
"""

from __future__ import annotations

import mimetypes
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

import archsweep
from archsweep.analysis import causes as root_causes
from archsweep.analysis import diff, matrix, overview
from archsweep.analysis.model_page import ModelPage
from archsweep.analysis.report import Report
from archsweep.analysis.snapshot import Progress
from archsweep.commands._live import Watcher
from archsweep.errors import ArchsweepError
from archsweep.render.site.pages import NoPage, Site

HOST = "127.0.0.1"
NAMES = ["127.0.0.1", "localhost", "[::1]"]
MOST = 1_000  # cells that one answer holds
HEADERS = {
    "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-cache",
}  # fmt: skip
ABOUT = "What archsweep knows: results of Hugging Face architectures by platform and check. Everything is only read."
Some = Annotated[list[str] | None, Query(description="May be given several times.")]


@dataclass(frozen=True, kw_only=True)
class State:
    """How far running sweeps are. `version` is another one whenever anything that is shown has changed."""

    version: str
    transformers_version: str
    cells: int
    progress: list[Progress]


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A part of the cells; `total` of them fit the filters."""

    total: int
    offset: int
    cells: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Why there is no answer, and what to do next."""

    error: str
    next_step: str


def application(watcher: Watcher) -> FastAPI:
    """The pages at `/`, the API at `/api/`, its description at `/api/openapi.json`."""
    app = FastAPI(
        title="archsweep", version=archsweep.__version__, description=ABOUT, openapi_url="/api/openapi.json",
        docs_url=None, redoc_url=None, responses={404: {"model": Fault, "description": "There is no such thing."}},
    )  # fmt: skip
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=NAMES, www_redirect=False)

    @app.middleware("http")
    async def guarded(request: Request, answer: Callable[[Request], Any]) -> Response:
        response: Response = await answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(ArchsweepError)
    async def explained(_: Request, error: ArchsweepError) -> JSONResponse:
        return JSONResponse({"error": error.message, "next_step": error.next_step}, status_code=404)

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> JSONResponse:
        step = "What there is: /api/openapi.json"
        return JSONResponse({"error": str(error.detail), "next_step": step}, status_code=error.status_code)

    _api(app, watcher)
    _api_of_runs(app, watcher)
    _pages(app, watcher)
    return app


def _api(app: FastAPI, watcher: Watcher) -> None:
    def site() -> Site:
        return watcher.site()

    @app.get("/api/progress", summary="How far running sweeps are")
    def progress() -> State:
        known = site().snapshot
        return State(
            version=known.version, transformers_version=known.transformers_version, cells=len(known.cells),
            progress=list(known.progress),
        )  # fmt: skip

    @app.get("/api/platforms", summary="Every platform, with its model types counted")
    def platforms() -> list[overview.PlatformRow]:
        return site().platforms

    @app.get("/api/models", summary="Every model type, and where its base class is verified")
    def models(category: Some = None) -> list[overview.ModelRow]:
        return [item for item in site().models if not category or item.category in category]

    @app.get("/api/models/{model_type}", summary="All that is known of one model type")
    def model(model_type: Annotated[str, Path(description="One of those of `/api/models`.")]) -> ModelPage:
        return site().model(model_type)

    @app.get("/api/matrix", summary="The folded cells, as `archsweep matrix --json` gives them")
    def cells_folded(
        by: matrix.Depth = matrix.Depth.CATEGORY, base: bool = False, category: Some = None, platform: Some = None,
        model: Some = None, status: Some = None, evidence: Some = None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        known = site().snapshot
        wanted = {"category": category, "platform": platform, "model_type": model}
        rows = [row for row in known.cells if _fits(row, wanted) and (row["is_base"] or not base)]
        return matrix.flat(matrix.build(rows, by, newest=known.newest, statuses=status or (), evidences=evidence or ()))

    @app.get("/api/cells", summary="Cells one by one: the current result of each case")
    def cells(
        category: Some = None, platform: Some = None, model: Some = None, check: Some = None, status: Some = None,
        evidence: Some = None, limit: Annotated[int, Query(ge=1, le=MOST)] = 100,
        offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
    ) -> Cells:  # fmt: skip
        wanted = {
            "category": category, "platform": platform, "model_type": model, "check": check, "status": status,
            "evidence": evidence,
        }  # fmt: skip
        found = [row for row in site().snapshot.cells if _fits(row, wanted)]
        return Cells(total=len(found), offset=offset, cells=[dict(row) for row in found[offset : offset + limit]])


def _api_of_runs(app: FastAPI, watcher: Watcher) -> None:
    def site() -> Site:
        return watcher.site()

    @app.get("/api/runs", summary="Every run, the newest first")
    def runs() -> list[overview.RunRow]:
        return site().runs

    @app.get("/api/runs/{run}", summary="The report of one run")
    def run_report(run: str) -> Report:
        return site().report(run)

    @app.get("/api/diff", summary="What changed between two runs, case by case")
    def changes(before: str, after: str) -> diff.Changes:
        known = site()
        return diff.changes(known.endings(before), known.endings(after))

    @app.get("/api/causes", summary="Failures that look alike, the ones first that one fix would win most with")
    def causes(platform: Some = None) -> list[root_causes.Cause]:
        return root_causes.causes(row for row in site().snapshot.cells if _fits(row, {"platform": platform}))


def _fits(row: Mapping[str, Any], wanted: Mapping[str, list[str] | None]) -> bool:
    return all(not values or row[name] in values for name, values in wanted.items())


def _pages(app: FastAPI, watcher: Watcher) -> None:
    @app.get("/", include_in_schema=False)
    def start() -> RedirectResponse:
        return RedirectResponse("/index.html")

    @app.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    def page(path: str) -> Response:
        try:
            content = watcher.site().content(path)
        except NoPage as error:
            raise HTTPException(404, error.message) from error
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        return Response(content, media_type=kind)


def bound(port: int) -> socket.socket:
    """A socket on this machine alone. Raises OSError where the port is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except OSError:
        found.close()
        raise
    return found


def serve(watcher: Watcher, listening: socket.socket) -> None:
    """Answers until it is interrupted."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(application(watcher), log_level="warning", access_log=False))
    server.run(sockets=[listening])
