"""How many shards: from bytes counted in the tables, before a byte is copied."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.settings.pack import PackSettings
from pipelines.shards import locate
from pipelines.shards.tar import span
from pipelines.stage import Done
from schemas.shard import TRAIN, VAL

JSON_BYTES = 2_500  # a document's JSON without its texts (measures, provenance, lists); only steers the number of shards


def shard_counts(inputs: Mapping[str, Done], settings: PackSettings) -> dict[str, int]:
    """Number of shards of each split: its share of the bytes of kept texts and images, divided by `shard_bytes`."""
    units = inputs["extract"].manifest.parts["unit"]
    documents = {TRAIN: 0, VAL: 0}
    text = 0
    for unit in units:
        chosen = inputs["select"].read("selected", unit, ["row", "kept", "split"])
        if chosen is None:
            continue
        chosen = chosen.filter(chosen["kept"])
        for split in chosen["split"].to_pylist():
            documents[VAL if split == VAL else TRAIN] += 1
        measured = inputs["extract"].read("document_measures", unit, ["row", "text_bytes"])
        if measured is not None:
            text += int(measured["text_bytes"].to_numpy()[np.isin(measured["row"].to_numpy(), chosen["row"].to_numpy())].sum())
    total = text + sum(documents.values()) * (JSON_BYTES + 512) + image_bytes(inputs["fetch"], locate.uses(inputs["select"], units))
    everything = max(1, sum(documents.values()))
    wanted = {s: -(-total * n // (everything * settings.shard_bytes)) for s, n in documents.items()}
    if settings.shards and documents[TRAIN]:
        wanted[TRAIN] = settings.shards
    return {s: max(1, wanted[s]) if documents[s] else 0 for s in documents}


def image_bytes(fetch: Done, wanted: locate.Uses) -> int:
    """Bytes that images take in the tars, each as often as it is used."""
    total = 0
    for found, times, _ in locate.records(fetch, wanted):
        total += sum(span(b) * n for b, n in zip(found["bytes"].tolist(), times.tolist(), strict=True))
    return total
