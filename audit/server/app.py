"""The explorer as an ASGI application, and how it is served: loopback only."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

from audit import charts
from audit.report import _bytes, _short
from audit.run import Run
from audit.server import original, views
from audit.server.guard import Guard, key_of
from audit.server.store import Store
from schemas.ids import image_id

IMAGES = {"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif"}
NAV = (
    ("/", "Overview"),
    ("/limits", "Limits"),
    ("/documents", "Documents"),
    ("/gallery", "Gallery"),
    ("/domains", "Domains"),
    ("/diff", "Difference"),
)
PLAIN = {"/": views.overview, "/overview": views.overview, "/limits": views.limits, "/documents": views.documents, "/find": views.find,
         "/domains": views.domains, "/gallery": views.gallery, "/diff": views.between}  # fmt: skip
NAMED = {"/limit/": views.limit, "/document/": views.document, "/image/": views.image, "/domain/": views.domain}


def create(run: Run, token: str, beside: Run | None = None, memory_limit: str = "1GB") -> Any:
    """The application, behind its guard. RunError if a folder is no finished run."""
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    desk = Desk(Store(run, beside, memory_limit), token)
    static = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "static")
    routes = [
        Route("/render/{name}", desk.render_original), Route("/blob/{name}", desk.blob), Mount("/static", StaticFiles(directory=static)),
        Route("/{path:path}", desk.page),
    ]  # fmt: skip
    return Guard(Starlette(routes=routes), token)


class Desk:
    """Requests to pages. Handlers are plain functions: Starlette runs them on threads."""

    def __init__(self, store: Store, token: str):
        from jinja2 import Environment, PackageLoader, StrictUndefined

        self.store, self.token = store, token
        self.env = Environment(
            loader=PackageLoader("audit"), autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
        )
        self.env.filters |= {
            "comma": lambda n: f"{n:,}",
            "percent": lambda x: f"{x:.1%}",
            "short": _short,
            "bytes": _bytes,
            "q": partial(quote, safe=""),
            "g": lambda x: f"{x:,.6g}" if abs(x) >= 1000 else f"{x:.4g}",
        }
        self.env.globals |= {"charts": charts, "blob": self._blob_url, "nav": NAV, "run_name": store.run.config.get("run", {}).get("name", ""),
                             "run_folder": os.path.basename(os.path.abspath(store.run.path))}  # fmt: skip

    def page(self, request: Any) -> Any:
        from starlette.responses import HTMLResponse, Response

        path, kind = "/" + request.path_params["path"], "html"
        for suffix in ("json", "csv"):
            if path.endswith(f".{suffix}") and not path.startswith("/domain/") or path.endswith(f"/.{suffix}"):
                path, kind = path.removesuffix(f".{suffix}").rstrip("/") or "/", suffix
        if q_kind := request.query_params.get("as"):
            kind = q_kind if q_kind in ("json", "csv") else "html"
        view = self._view(path)
        try:
            if view is None:
                raise views.Missing(f"there is no page {path!r}")
            made = view(dict(request.query_params))
        except views.Missing as e:
            return HTMLResponse(
                self.env.get_template("server/missing.html").render(title="Not found", path=path, message=str(e), page=None, query=""), 404
            )
        if kind == "json":
            body = {
                "page": path,
                **made.data,
                "tables": {n: t.rows for n, t in made.tables.items()},
                "sql": {n: {"query": t.sql, "parameters": t.parameters} for n, t in made.tables.items()},
            }
            return Response(json.dumps(body, ensure_ascii=False, default=str), media_type="application/json")
        if kind == "csv":
            return Response(
                _csv(made), media_type="text/csv; charset=utf-8", headers={"content-disposition": "attachment; filename=weft.csv"}
            )
        query = "&".join(f"{quote(k)}={quote(v)}" for k, v in request.query_params.items() if k != "as")
        return HTMLResponse(
            self.env.get_template(f"server/{made.template}").render(page=made, path=path, title=made.title, query=query, **made.data)
        )

    def _view(self, path: str) -> Callable[[dict[str, str]], views.Page] | None:
        if path in PLAIN:
            return partial(PLAIN[path], self.store)
        for prefix, view in NAMED.items():
            if path.startswith(prefix) and len(path) > len(prefix):
                return partial(view, self.store, name=path.removeprefix(prefix))
        return None

    def render_original(self, request: Any) -> Any:
        """The page as it was, defused; shown in a sandboxed frame only."""
        from starlette.responses import HTMLResponse

        found = self.store.rows("SELECT * FROM documents WHERE doc_id = $id ORDER BY kept DESC LIMIT 1", id=request.path_params["name"])
        if not found:
            return HTMLResponse("no such document in this run", 404)
        try:
            html = original.read(found[0])
        except (ValueError, OSError) as e:
            return HTMLResponse(f"<!doctype html><title>not shown</title><p>{charts.escape(str(e))}", 409)
        if html is None:
            return HTMLResponse("<!doctype html><title>not here</title><p>The archive of this page is not on this machine.", 404)
        mine = self.store.rows(
            "SELECT DISTINCT image_id FROM nodes WHERE doc_id = $id AND kind = 'image' AND sha256 <> ''", id=found[0]["doc_id"]
        )
        ids = {r["image_id"] for r in mine}
        return HTMLResponse(original.safe(html, found[0]["url"], lambda u: self._blob_url(i) if (i := image_id(u)) in ids else None))

    def blob(self, request: Any) -> Any:
        """The bytes of an image of this run, from fetch's blobs; types that browsers draw, and nothing else."""
        from starlette.responses import Response

        found = self.store.rows(
            "SELECT blob, blob_offset, bytes, format FROM images WHERE image_id = $id AND blob <> '' LIMIT 1",
            id=request.path_params["name"],
        )
        if not found or found[0]["format"] not in IMAGES:
            return Response("no picture", 404, media_type="text/plain")
        i = found[0]
        root = self.store.run.stage_path("fetch")
        path = os.path.realpath(os.path.join(root, i["blob"]))
        if not path.startswith(os.path.realpath(root) + os.sep) or not os.path.isfile(path):
            return Response("the blob is no longer here", 404, media_type="text/plain")
        with open(path, "rb") as f:
            f.seek(i["blob_offset"])
            return Response(f.read(i["bytes"]), media_type=IMAGES[i["format"]])

    def _blob_url(self, name: str) -> str:
        return f"/blob/{name}?k={key_of(self.token, name)}"


def _csv(page: views.Page) -> str:
    table = next(iter(page.tables.values()), None)
    rows = (
        table.rows
        if table
        else page.data.get("answer", {}).get("captures", [{}])[0].get("nodes", [])
        if isinstance(page.data.get("answer"), dict)
        else []
    )
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows({k: _cell(v) for k, v in r.items()} for r in rows)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """Crawled text that a spreadsheet would take for a formula is quoted."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
