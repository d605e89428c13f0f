"""DataComp's image-based filter: keep pictures whose cluster holds a picture of a reference set (Gadre et al. 2023, section 4.1).

DataComp clusters the pool's CLIP image vectors by k-means (100,000 clusters) and keeps an image if the centre of its cluster is the
nearest centre of at least one training picture of ImageNet. The reference set is yours to choose: vectors of pictures of the kind
that you want, by the same model.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines import storage
from pipelines.dedup.images import nearest, spherical_kmeans
from pipelines.stage import StageError

PER_CLUSTER, MOST = 128, 100_000  # DataComp: 100,000 clusters for pools from 12.8 million pictures on


def load_reference(path: str) -> NDArray[np.float32]:
    """The reference set's vectors, one a row. StageError if the file holds none."""
    try:
        found = np.load(io.BytesIO(storage.read_bytes(path)), allow_pickle=False)
    except (OSError, ValueError, EOFError) as e:
        raise StageError(f"select.cluster_reference = {path!r} cannot be read as a .npy array ({e}); write one with numpy.save") from e
    if not isinstance(found, np.ndarray) or found.ndim != 2 or not len(found) or found.dtype.kind != "f":
        raise StageError(f"select.cluster_reference = {path!r} must hold one row of floating-point numbers per picture")
    return found.astype(np.float32)


def unlike(vectors: NDArray[np.float32], names: Sequence[str], reference: NDArray[np.float32], clusters: int = 0) -> NDArray[np.bool_]:
    """True for the pictures whose cluster no reference picture falls into. `names` (hashes) order the pictures, so the result does not
    depend on the order of the rows. `clusters` 0 = one per 128 pictures, 100,000 at most. StageError if the lengths differ."""
    if len(vectors) and vectors.shape[1] != reference.shape[1]:
        raise StageError(
            f"the reference vectors have {reference.shape[1]} numbers, the run's {vectors.shape[1]}: are they of the same model?"
        )
    out = np.zeros(len(vectors), bool)
    if not len(vectors):
        return out
    order = np.argsort(np.asarray(names, dtype=object).astype(str), kind="stable")
    unit, wanted = _unit(vectors[order]), _unit(reference)
    centre, _ = spherical_kmeans(unit, min(len(unit), clusters or min(MOST, max(1, len(unit) // PER_CLUSTER))))
    hit = np.zeros(len(centre), bool)
    hit[nearest(wanted, centre)] = True
    out[order] = ~hit[nearest(unit, centre)]
    return out


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(rows, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
