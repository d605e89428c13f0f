"""CLIP for Beam's RunInference: the model is loaded once per worker, and each element is a unit of work (a part's name).

Pictures never pass between Beam steps: the work reads, decodes and encodes in batches of a fixed make-up, which also makes its
result independent of how the runner bundles elements.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pipelines import beam  # noqa: F401 (quiets Beam's import warnings)
from pipelines.failures import describe
from pipelines.memory import give_back
from pipelines.settings.score import ClipSettings

from apache_beam.ml.inference.base import ModelHandler  # noqa: E402 # isort: skip


class ClipHandler(ModelHandler[str, str, Any]):
    """Calls `work(part, clip)` for each part. `work` must be picklable (a frozen dataclass with `__call__`)."""

    def __init__(self, settings: ClipSettings, work: Callable[[str, Any], None]):
        super().__init__(min_batch_size=1, max_batch_size=1)  # an element is a batch already
        self.settings, self.work = settings, work

    def load_model(self) -> Any:
        from pipelines.models.clip import load

        return load(self.settings)

    def run_inference(self, batch: Sequence[str], model: Any, inference_args: dict[str, Any] | None = None) -> Iterable[str]:
        for part in batch:
            try:
                self.work(part, model)
            except Exception as e:
                raise describe(e, part, self.work) from e
            finally:
                give_back()
        return list(batch)

    def get_num_bytes(self, batch: Sequence[str]) -> int:
        return sum(map(len, batch))

    def get_metrics_namespace(self) -> str:
        return "weft_clip"
