"""Reads a shard folder with stock webdataset and prints what it saw. Runs under any interpreter that has webdataset."""

import hashlib
import json
import os
import sys

import webdataset as wds

folder = sys.argv[1]
urls = sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".tar"))
out = {}
for sample in wds.WebDataset(urls, shardshuffle=False):
    record = json.loads(sample["json"])
    prefix = sample["__key__"] + "."
    images = {n: hashlib.sha256(sample[n.removeprefix(prefix)]).hexdigest() for n in record["images"] if n}
    out[sample["__key__"]] = {"texts": record["texts"], "images": record["images"], "sha256": images}
print(json.dumps({"version": getattr(wds, "__version__", ""), "documents": out}))
