"""Reads a shard folder with Megatron Energon through the cooker of docs/shards.md and prints what it saw."""

import hashlib
import json
import os
import sys

from megatron.energon import (
    Cooker,
    DefaultTaskEncoder,
    InterleavedSample,
    WorkerConfig,
    basic_sample_keys,
    get_loader,
    get_train_dataset,
    get_val_dataset,
    stateless,
)


@stateless
def cook(sample):
    record = json.loads(sample["json"]) if isinstance(sample["json"], (bytes, str)) else sample["json"]
    pieces = [t if n is None else sample[n.split(".", 1)[1]] for t, n in zip(record["texts"], record["images"], strict=True)]
    return InterleavedSample(**basic_sample_keys(sample), sequence=pieces)


class Encoder(DefaultTaskEncoder):
    cookers = [Cooker(cook)]
    decoder = None

    def batch(self, samples):
        return samples


out = {}
config = WorkerConfig.default_worker_config(0)
parts = ["train"] + ["val"] * any(n.startswith("weft-val-") for n in os.listdir(sys.argv[1]))
for part in parts:
    if part == "train":
        data = get_train_dataset(
            sys.argv[1],
            batch_size=1,
            worker_config=config,
            task_encoder=Encoder(),
            shuffle_buffer_size=None,
            max_samples_per_sequence=None,
            repeat=False,
        )
    else:
        data = get_val_dataset(sys.argv[1], batch_size=1, worker_config=config, task_encoder=Encoder())
    for batch in get_loader(data):
        for s in batch:
            pieces = [p if isinstance(p, str) else hashlib.sha256(p).hexdigest() for p in s.sequence]
            out[s.__key__.split("/")[-1]] = pieces
print(json.dumps(out))
