"""datatrove's arm of `benchmarks.chain`, run by the interpreter of its own environment: `python -m benchmarks.chain_datatrove MODEL MODE PAGES OUT PASSES`;
one line of JSON. A pass before the timed ones is not counted.

Its blocks are taken as they come, with their own defaults but one: a page is given up after TIMEOUT seconds on the clock, as its second would
be over sooner on a busy machine, and pages given up cost nothing. MODEL is the fastText language model to use: its own would be downloaded. Its English
word tokenizer is spaCy's blank one, which needs no data. MODE is `whole`, or `fast` for trafilatura's fast mode (`no_fallback`, as its version here calls it).
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import resource
import sys
import tempfile
from pathlib import Path
from typing import Any

from pipelines.cpu import tree_cpu

TIMEOUT = 60.0
PACKAGES = ("datatrove", "trafilatura", "spacy", "warcio")


def once(warc: Path, out: Path, fast: bool) -> dict[str, Any]:
    """CPU seconds of one pass over an archive, and the documents that its filters kept."""
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter, LanguageFilter
    from datatrove.pipeline.readers import WarcReader
    from datatrove.pipeline.writers import ParquetWriter

    begin = tree_cpu() or 0.0
    reader = WarcReader(str(warc.parent), glob_pattern=warc.name)
    data = reader()
    for step in (Trafilatura(timeout=TIMEOUT, no_fallback=fast), LanguageFilter(), GopherRepetitionFilter(), GopherQualityFilter()):
        data = step(data)
    kept = list(data)
    for _ in ParquetWriter(str(out / "documents"))(iter(kept)):
        pass
    judged = tree_cpu() or 0.0
    MinhashDedupSignature(str(out / "signatures"), MinhashConfig()).run(iter(kept))
    return {"judged": judged - begin, "signatures": (tree_cpu() or 0.0) - begin, "kept": len(kept)}


def main(model: str, mode: str, pages: str, out: str, passes: int) -> dict[str, Any]:
    os.sched_setaffinity(0, [max(os.sched_getaffinity(0))])
    os.environ["HF_ASSETS_CACHE"] = tempfile.mkdtemp(dir=str(Path(pages).parent))  # where it keeps models
    import trafilatura  # noqa: F401 (its extractor's child, which is forked from here, would import it once a pass)
    from datatrove.utils.lid import FT176LID
    from loguru import logger

    logger.remove()
    FT176LID.MODEL_URL = model
    took = [once(Path(pages), Path(out, str(i)), mode == "fast") for i in range(1 + passes)][1:]
    rss = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    return {
        "judged": [t["judged"] for t in took],
        "signatures": [t["signatures"] for t in took],
        "kept": took[-1]["kept"],
        "rss_mb": rss,
        "versions": {name + " (datatrove's)" * (name == "trafilatura"): importlib.metadata.version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:5], int(sys.argv[5]))), flush=True)
