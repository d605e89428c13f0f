"""The models that text rules need, run in batches before the rules measure.

Rules import no models; a rule such as `paragraph.perplexity` reads `view.scores["perplexity"]`. `fill` puts it there, for
the rules that the configuration has and that name a model, and does nothing otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from filters.base import Rule, RuleSet
from filters.text.view import TextView

Scorer = Callable[[Sequence[TextView]], Sequence[float | None]]


class ModelError(ValueError):
    """A model that the configuration names cannot be used."""


class TextModels:
    """The models of one rule set, loaded at the first use."""

    def __init__(self, rules: RuleSet):
        wanted: list[tuple[str, Scorer]] = []
        for rule in rules.rules:
            what = rule.name.partition(".")[2]
            if rule.name == "paragraph.language":
                wanted.append((what, _language))
            elif what == "perplexity":
                wanted.append((what, _perplexity(rule)))
            elif what == "quality":
                wanted.append((what, _quality(rule)))
        self._wanted = tuple(wanted)

    def __bool__(self) -> bool:
        return bool(self._wanted)

    def fill(self, views: Sequence[TextView]) -> None:
        """Put the models' scores into `view.scores`."""
        for name, score in self._wanted:
            for view, value in zip(views, score(views), strict=True):
                if value is not None:
                    view.scores = {**view.scores, name: value}


def _language(views: Sequence[TextView]) -> list[float | None]:
    from pipelines.models.language import identify_batch

    found = identify_batch([v.text for v in views])
    return [score if code == v.language else 0.0 for (code, score), v in zip(found, views, strict=True)]


def _perplexity(rule: Rule) -> Scorer:
    model, tokenizer = rule.model, rule.tokenizer  # type: ignore[attr-defined]
    if not model:
        raise ModelError(f'filters."{rule.name}": set `model` to a KenLM file (and `tokenizer` to its sentencepiece model)')

    def score(views: Sequence[TextView]) -> list[float | None]:
        from pipelines.models.perplexity import load

        lm = load(model, tokenizer)
        return [lm.perplexity(v.text) for v in views]

    return score


def _quality(rule: Rule) -> Scorer:
    model, label = rule.model, rule.label  # type: ignore[attr-defined]
    if not model:
        raise ModelError(f'filters."{rule.name}": set `model` to a fastText file; pipelines/models/quality.py trains one')

    def score(views: Sequence[TextView]) -> list[float | None]:
        from pipelines.models.quality import load

        return list(load(model).probabilities([v.text for v in views], label))

    return score
