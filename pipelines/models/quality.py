"""A fastText classifier of text quality, as DCLM (Li et al. 2024, section 4.4) uses: training, loading, scoring.

Two files of texts, one of wanted and one of ordinary documents, make a model whose probability of the wanted label the
rule `document.quality` judges:

    python -m pipelines.models.quality wanted.txt ordinary.txt quality.bin

Training always asks the library for ten threads. fasttext 0.9.3 fills its input matrix in ten blocks, one a thread, and
leaves the rest of the memory as it was; with fewer threads (its default is the number of cores less one) training starts
from whatever lay there, and usually stops with "Encountered NaN". Ten threads share one core well enough. They also race,
so two trainings differ slightly: keep the model file and its checksum with the run.
"""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

WANTED, ORDINARY = "__label__hq", "__label__cc"
THREADS = 10  # see above: fewer leave memory uninitialised

_SPACE = re.compile(r"\s+")


class QualityError(ValueError):
    """A quality model cannot be trained or loaded."""


def prepare(text: str) -> str:
    """One line, without the label prefix that would count as a label."""
    return _SPACE.sub(" ", text.replace("__label__", " ")).strip().encode("utf-8", "ignore").decode()


class Quality:
    """A loaded classifier."""

    def __init__(self, model: Any):
        self._model = model
        self.labels = tuple(model.get_labels())

    def probabilities(self, texts: Sequence[str], label: str = WANTED) -> list[float | None]:
        """Probability of `label` for each text; None for an empty one. QualityError if the model has no such label."""
        if label not in self.labels:
            raise QualityError(f"the quality model has no label {label!r}; it has {', '.join(self.labels)}")
        shown = [prepare(t) for t in texts]
        asked = [i for i, s in enumerate(shown) if s]
        out: list[float | None] = [None] * len(texts)
        if asked:
            labels, scores = self._model.predict([shown[i] for i in asked], k=len(self.labels))
            for i, names, values in zip(asked, labels, scores, strict=True):
                found = {n: float(v) for n, v in zip(names, values, strict=True)}
                out[i] = min(1.0, found.get(label, 0.0))  # fastText's floats exceed 1 by some 1e-5
        return out


@lru_cache(maxsize=4)
def load(path: str) -> Quality:
    """The classifier in a fastText file. QualityError if there is none."""
    if not os.path.isfile(path):
        raise QualityError(f"quality model: no file {path!r}")
    import fasttext

    fasttext.FastText.eprint = lambda *args, **kwargs: None
    try:
        return Quality(fasttext.load_model(path))
    except (ValueError, RuntimeError) as e:
        raise QualityError(f"{path!r} is not a fastText model: {e}") from e


def train(
    wanted: Iterable[str], ordinary: Iterable[str], path: str, *,
    dim: int = 100, epochs: int = 5, learning_rate: float = 0.1, word_ngrams: int = 2, buckets: int = 200_000, seed: int = 0,
) -> Quality:  # fmt: skip
    """Train on texts and write the model to `path`. Defaults: DCLM's word bigrams and fastText's other settings, with fewer
    hash buckets (200,000), which makes a file of about 80 MB. QualityError if a class is empty or training fails."""
    lines = [f"{label} {p}\n" for label, texts in ((WANTED, wanted), (ORDINARY, ordinary)) for t in texts if (p := prepare(t))]
    for label in (WANTED, ORDINARY):
        if not any(line.startswith(label + " ") for line in lines):
            raise QualityError(f"no text for {label}: training needs both kinds")
    random.Random(seed).shuffle(lines)
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "train.txt")
        with open(file, "w", encoding="utf-8") as f:
            f.writelines(lines)
        try:
            model = fasttext.train_supervised(
                file, dim=dim, epoch=epochs, lr=learning_rate, wordNgrams=word_ngrams, bucket=buckets, minCount=1, thread=THREADS,
                seed=seed, verbose=0,
            )  # fmt: skip
        except RuntimeError as e:
            raise QualityError(f"fastText could not train: {e}; try a lower learning rate") from e
    model.save_model(path)
    return Quality(model)


def main(arguments: Sequence[str]) -> int:
    """`wanted.txt ordinary.txt model.bin`, one text a line."""
    if len(arguments) != 3:
        print("usage: python -m pipelines.models.quality WANTED.txt ORDINARY.txt MODEL.bin", file=sys.stderr)
        return 2
    with open(arguments[0], encoding="utf-8") as wanted, open(arguments[1], encoding="utf-8") as ordinary:
        try:
            model = train(wanted, ordinary, arguments[2])
        except QualityError as e:
            print(e, file=sys.stderr)
            return 2
    print(f"{arguments[2]}: {len(model.labels)} labels", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
