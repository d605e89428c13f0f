"""`python -m demo build OUT --pages N --seed S` and `python -m demo serve OUT`."""

from __future__ import annotations

import argparse
import json
import sys


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m demo", description="A small generated web with known truth.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    b = verbs.add_parser("build", help="write WARC files and truth tables")
    b.add_argument("out")
    b.add_argument("--pages", type=int, default=2000)
    b.add_argument("--seed", type=int, default=0)
    b.add_argument("--hot", type=float, default=0.0, help="share of the pages that stand on one site (default: 0)")
    s = verbs.add_parser("serve", help="serve the images on loopback")
    s.add_argument("out")
    s.add_argument("--port", type=int, default=0)
    s.add_argument("--log", default=None, help="write a line of JSON per request to this file")
    s.add_argument("--keep", action="store_true", help="leave rendered pictures in the web's folder and read them from there")
    s.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args(argv)
    from demo.web import DemoError, build

    try:
        if a.verb == "build":
            web = build(a.out, a.pages, a.seed, a.hot)
            print(json.dumps({"folder": str(web.folder), "warcs": [str(w) for w in web.warcs], "pages": a.pages, "seed": a.seed}))
        else:
            from demo.server import run

            run(a.out, a.port, a.log, a.until_stdin_closes, a.keep)
    except DemoError as e:
        print(e, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
