"""A run on an object store, as a folder here: manifests, audit tables and what `why` shows; not the pictures and shards."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile

LEFT_OUT = ("shards/", "/blobs/", "/journal/", "/parts/", "/embeddings/", "/signatures/")


def is_remote(path: str) -> bool:
    return "://" in path


@functools.cache
def local(run: str) -> str:
    """A temporary folder with the run's tables, gone when this process ends. FileNotFoundError if there is no such run."""
    import fsspec

    fs, root = fsspec.core.url_to_fs(run.rstrip("/"))
    fs.invalidate_cache()
    files = {f: f[len(root) :].lstrip("/") for f in fs.find(root)}
    if not files:
        raise FileNotFoundError(f"no run at {run!r}: there is no object under it")
    folder = tempfile.mkdtemp(prefix="weft-run-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    wanted = {f: name for f, name in files.items() if not any(part in name for part in LEFT_OUT)}
    fs.get(list(wanted), [os.path.join(folder, name) for name in wanted.values()])
    return folder


def put(run: str, name: str, text: str) -> str:
    """Write a small file of the run; its path."""
    import fsspec

    path = f"{run.rstrip('/')}/{name}"
    fs, inner = fsspec.core.url_to_fs(path)
    fs.pipe_file(inner, text.encode())
    return path
