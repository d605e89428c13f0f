"""The run that is disturbed: a small generated web, the whole chain, in a process of its own.

python -m tests.faults.chain WEB PORT RUN WORKERS [A.B=VALUE ...]      runs it; exit code as `weft run`
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PLAIN = ['score.clip.model=""', 'score.clip.pretrained=""', 'score.clip.config_dir=""']  # no model: seconds less a run


def run(web: str, port: int, folder: str, workers: int, overrides: list[str], upto: str | None = None) -> int:
    """One attempt, up to a stage or to the published end; the exit code."""
    from weft.main import explain
    from weft.verbs.demo import at_server, demo_config
    from weft.verbs.run import run_config

    warcs = sorted(str(p) for p in (Path(web) / "warc").iterdir())
    try:
        return run_config(at_server(demo_config(warcs, workers, overrides), port), folder, upto, quiet=True)
    except Exception as e:
        code, message = explain(e)
        print(message, file=sys.stderr)
        return code


def load() -> None:
    """Import all that a run needs, so that a forked trial begins at once."""
    import duckdb  # noqa: F401

    import pipelines.beam  # noqa: F401
    from filters.text.lexicon import lexicon
    from pipelines.code import code_digest
    from pipelines.dedup.shingles import table
    from pipelines.run import stage
    from schemas import layout

    for name in layout.STAGES:
        code_digest(type(stage(name)).__module__)
    lexicon("en")
    table()


def forked(web: str, port: int, folder: str, overrides: list[str], upto: str | None = None) -> int:
    """One attempt in a fork of this process (which must have no threads yet)."""
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            sys.stdout.flush()
            code = run(web, port, folder, 1, overrides, upto)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5:]))
