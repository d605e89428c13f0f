"""weft serve RUN: the auditor's explorer, on loopback, read-only."""

from __future__ import annotations

import argparse

from weft.console import say
from weft.exits import DONE, USAGE, Failure


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument("--beside", metavar="RUN", help="a second run, for the page Difference")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--memory", default="1GB", help="memory that DuckDB may take (default: 1GB)")
    parser.add_argument("--token", default=None, help="start token (default: a random one)")


def run(args: argparse.Namespace) -> int:
    import secrets
    import socket

    import uvicorn

    from audit.run import Run, RunError
    from audit.server.app import create

    token = args.token or secrets.token_urlsafe(24)
    try:
        app = create(Run(args.run), token, Run(args.beside) if args.beside else None, args.memory)
    except RunError as e:
        raise Failure(USAGE, str(e)) from e
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", args.port))
        say(f"open http://127.0.0.1:{listener.getsockname()[1]}/?token={token}\n(this machine only; read-only; Ctrl-C ends it)")
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", server_header=False, date_header=False))
        server.run(sockets=[listener])
    return DONE
