"""Reads a shard folder with NeMo Curator's interleaved WebDataset reader, as it is, and prints what it saw."""

import hashlib
import json
import os
import sys

from nemo_curator.stages.interleaved.io.readers.webdataset import InterleavedWebdatasetReaderStage
from nemo_curator.tasks import FileGroupTask

folder = sys.argv[1]
stage = InterleavedWebdatasetReaderStage(materialize_on_read=True)
out = {}
for name in sorted(n for n in os.listdir(folder) if n.endswith(".tar")):
    read = stage.process(FileGroupTask(dataset_name="weft", data=[os.path.join(folder, name)], _metadata={}))
    for batch in read if isinstance(read, list) else [read]:
        for row in batch.to_pyarrow().to_pylist():
            pieces = out.setdefault(row["sample_id"], [])
            if row["modality"] == "metadata":
                continue
            assert row["position"] == len(pieces) and row["materialize_error"] is None, row
            image = row["modality"] == "image"
            pieces.append(hashlib.sha256(row["binary_content"]).hexdigest() if image else row["text_content"])
print(json.dumps(out))
