"""Before the first page: see to it that the compiled loops are in numba's cache.

Compiling them takes up to a minute, once per machine and version; the guarded child that reads pages is not given that time. So
its parent calls `prepare`: a process without any page in it fills the cache, and a small file remembers that it did.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from pipelines.web.markup import native

_HERE = Path(__file__).parent
_SOURCES = ("pipelines/web", "pipelines/models", "filters")
_PAGE = "<!doctype html><title>A</title><p>A page of plain words…<pre>x</pre><ul><li><a href=/>b</a></ul><figure><img src=/a.jpg></figure>"


def is_prepared() -> bool:
    """Whether `prepare` has nothing to do."""
    return _mark().exists()


@cache
def prepare() -> None:
    """Returns at once if it was done for this code before. NotBuiltError if the library that reads pages is missing."""
    native.library()
    done = _mark()
    if done.exists():
        return
    _forget()
    env = os.environ | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    subprocess.run([sys.executable, "-m", "pipelines.web.prepare"], check=True, env=env, stdin=subprocess.DEVNULL)
    try:
        done.parent.mkdir(exist_ok=True)
        done.touch()
    except OSError:
        return  # read-only code: asked again by the next process


def _forget() -> None:
    """Remove what was compiled from other sources: numba looks at the file of a loop, and not at those of the loops that it calls."""
    for folder in _SOURCES:
        for index in (_HERE.parents[1] / folder).rglob("__pycache__/*.nbi"):
            try:
                index.unlink(missing_ok=True)
            except OSError:
                continue  # read-only code: then its cache is as old as the code


def _mark() -> Path:
    """A file whose name changes with the sources (as numba's cache does), the interpreter and the cache's place."""
    h = hashlib.blake2b(digest_size=8)
    for folder in _SOURCES:
        for path in sorted((_HERE.parents[1] / folder).rglob("*.py")):
            stat = path.stat()
            h.update(f"{path}:{stat.st_mtime_ns}:{stat.st_size};".encode())
    h.update(f"{sys.version}{os.environ.get('NUMBA_CACHE_DIR', '')}{os.uname().machine}".encode())
    return _HERE / "__pycache__" / f"prepared-{h.hexdigest()}"


def main() -> None:
    """Compile, or load, all that reading and judging a page needs."""
    from filters.base import At, Unit
    from filters.registry import rule_set
    from filters.text import tokens
    from filters.text.document import DocumentView
    from filters.text.lexicon import lexicon
    from filters.text.view import TextView
    from pipelines.models.language import identify
    from pipelines.web.charset import decode
    from pipelines.web.page import extract
    from pipelines.web.pii import mask_all

    nodes = extract(decode(_PAGE.encode()).html, "https://www.example.org/").nodes
    views = TextView.page([n.text for n in nodes if n.kind == "text"])
    rules = rule_set({"paragraph.stop_words": {}, "paragraph.digits": {}}, Unit.PARAGRAPH, At.EXTRACT)
    rules.table(views, "en")
    for view in (*views, DocumentView(nodes, "en", paragraphs=views)):
        view.character_repetition(10)
        view.word_repetition(5)
    DocumentView(nodes, "en", paragraphs=views).duplicate_ngram_share(5)
    mask_all([_PAGE])
    identify(_PAGE)
    known = lexicon("en")
    tokens.grown(known.known)  # needed when a lexicon has outgrown its room, some hundred pages on


if __name__ == "__main__":
    main()
