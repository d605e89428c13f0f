"""Supplied opt-out lists: files with a URL or a domain a line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from pipelines import storage
from pipelines.web.urls import canonical, host_of


def load_lists(paths: Iterable[str]) -> Callable[[str], str]:
    """A function that says "opt-out: list:<name>" for a URL on one of the lists (its domain or a parent domain counts), else ""."""
    urls: dict[str, str] = {}
    domains: dict[str, str] = {}
    for path in paths:
        name = f"opt-out: list:{os.path.basename(path)}"
        for raw in storage.read_bytes(path).decode("utf-8", "replace").splitlines():
            line = raw.split("#", 1)[0].strip() if "://" not in raw else raw.strip()
            if "://" in line:
                urls[canonical(line)] = name
            elif line:
                domains[line.lower().strip(".")] = name

    def listed(url: str) -> str:
        if not urls and not domains:
            return ""
        if found := urls.get(canonical(url)):
            return found
        labels = host_of(url).split(".")
        return next((domains[d] for i in range(len(labels)) if (d := ".".join(labels[i:])) in domains), "")

    return listed
