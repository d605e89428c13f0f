"""Perplexity of a text under a KenLM model, as CCNet (Wenzek et al. 2020) and OBELICS compute it.

Needs the `kenlm` package, a KenLM file (binary or ARPA) and, for the published models, the sentencepiece model they were
trained with. No model is downloaded; the configuration names files.
"""

from __future__ import annotations

import os
import re
import unicodedata
from functools import lru_cache
from typing import Any

_DIGIT = re.compile(r"\d")
_SPACE = re.compile(r"[^\S\n]+")
_PUNCTUATION = str.maketrans(
    {
        "，": ",", "。": ".", "、": ",", "„": '"', "”": '"', "“": '"', "«": '"', "»": '"', "」": '"', "「": '"', "《": '"', "》": '"',
        "´": "'", "∶": ":", "：": ":", "？": "?", "！": "!", "（": "(", "）": ")", "；": ";", "–": "-", "—": " - ", "．": ". ", "～": "~",
        "’": "'", "‘": "'", "…": "...", "━": "-", "〈": "<", "〉": ">", "【": "[", "】": "]", "％": "%", "►": "-",
    }
)  # fmt: skip


class PerplexityError(ValueError):
    """The language model cannot be loaded."""


def normalise(text: str) -> str:
    """Digits to 0, typographic punctuation to ASCII, format and control characters out, white space to single blanks."""
    text = _DIGIT.sub("0", text.translate(_PUNCTUATION))
    text = "".join(c for c in text if c == "\n" or c == "\t" or unicodedata.category(c)[0] != "C")
    return _SPACE.sub(" ", text).strip()


class Perplexity:
    """A loaded model."""

    def __init__(self, model: Any, tokenizer: Any = None):
        self._model = model
        self._tokenizer = tokenizer

    def perplexity(self, text: str) -> float | None:
        """10 ** (-log10 p / tokens), the end of each line counted as a token; None for a text without tokens."""
        total, length = 0.0, 0
        for line in normalise(text).split("\n"):
            tokens = self._tokens(line)
            if tokens:
                total += self._model.score(" ".join(tokens))
                length += len(tokens) + 1
        return round(10.0 ** min(300.0, -total / length), 4) if length else None

    def _tokens(self, line: str) -> list[str]:
        if self._tokenizer is not None:
            return self._tokenizer.encode(line, out_type=str)
        return line.lower().split()


@lru_cache(maxsize=4)
def load(model: str, tokenizer: str = "") -> Perplexity:
    """The model in file `model` with the sentencepiece model in file `tokenizer` ('' = words at blanks, lower case).
    PerplexityError says what is missing."""
    for what, path in (("model", model), ("tokenizer", tokenizer)):
        if path and not os.path.isfile(path):
            raise PerplexityError(f"perplexity {what}: no file {path!r}")
    try:
        import kenlm
    except ImportError as e:
        raise PerplexityError("perplexity rules need the `kenlm` package: install it, or drop the rule") from e
    try:
        lm = kenlm.Model(model)
    except (OSError, RuntimeError) as e:
        raise PerplexityError(f"{model!r} is not a KenLM file: {e}") from e
    if not tokenizer:
        return Perplexity(lm)
    import sentencepiece

    try:
        return Perplexity(lm, sentencepiece.SentencePieceProcessor(model_file=tokenizer))
    except (OSError, RuntimeError) as e:
        raise PerplexityError(f"{tokenizer!r} is not a sentencepiece model: {e}") from e
