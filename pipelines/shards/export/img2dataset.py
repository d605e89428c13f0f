"""`weft export --format img2dataset`: the URLs of a run's fetch as a list that img2dataset reads; or, where resizing is asked for, the pictures
themselves, through img2dataset's Resizer, in the folder that img2dataset would have written."""

from __future__ import annotations

import importlib.util
import io
import itertools
import json
import tarfile
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from pipelines import storage
from pipelines.guard import Death, Guard, GuardLimits
from pipelines.shards.export.source import ExportError, new_folder
from pipelines.stage import Done
from pipelines.web.fetch.img2dataset import export_urls
from schemas import layout
from schemas.manifest import loads_stage

LIST = "urls.parquet"
MODES = ("keep_ratio", "keep_ratio_largest", "center_crop", "border")  # of its option resize_mode
SHARD = 10_000  # its default number_sample_per_shard
TARGET = "pipelines.shards.resize_child:make"
LIMITS = GuardLimits(memory_bytes=8 << 30, seconds_per_item=30)  # the packages it imports map a lot
SCHEMA = pa.schema(
    [(n, pa.string()) for n in ("image_id", "url", "key", "status", "error_message")]
    + [(n, pa.int32()) for n in ("width", "height", "original_width", "original_height")] + [("sha256", pa.string())]
)  # fmt: skip


def export(run: str, folder: str, resize: int = 0, mode: str = "keep_ratio") -> dict[str, int]:
    """Write urls.parquet (url, image_id, sha256, weft_status) of every URL that was fetched with success; opt-outs and failures stay
    out. With `resize` (pixels, its option image_size) write 00000.tar, 00000.parquet, ... instead: nothing is fetched again, and a
    picture that cannot be decoded has status `failed_to_resize`. The run need not be finished, only its fetch. ExportError if that
    is not, or if img2dataset is not installed."""
    new_folder(folder)
    current = storage.join(run, layout.STAGE_DIR, layout.CURRENT)
    digest = json.loads(storage.read_bytes(current)).get("fetch") if storage.exists(current) else None
    root = storage.join(run, layout.stage_dir("fetch", digest)) if digest else run
    where = storage.join(root, layout.STAGE_MANIFEST)
    if digest is None or not storage.exists(where):
        raise ExportError(f"{run}: nothing has been fetched yet; `weft run` does it")
    done = Done(root, loads_stage(storage.read_bytes(where), where))
    if not resize:
        return {"urls": export_urls(done, storage.join(folder, LIST), only="success")}
    if importlib.util.find_spec("img2dataset") is None:
        raise ExportError("resizing is img2dataset's: install it with pip install 'weft[img2dataset]'")
    return _resized(done, folder, resize, mode)


def _resized(done: Done, folder: str, size: int, mode: str) -> dict[str, int]:
    counts = {"success": 0, "failed_to_resize": 0}
    pictures = _pictures(done)
    with Guard(TARGET, LIMITS, setup=json.dumps({"size": size, "mode": mode}).encode()) as guard:
        for shard in itertools.count():
            if (first := next(pictures, None)) is None:
                return counts
            waiting: deque[dict[str, Any]] = deque()
            rows = []
            with storage.atomic(storage.join(folder, f"{shard:05d}.tar")) as f, tarfile.open(fileobj=f, mode="w|") as tar:
                for _, answer in guard.map(_bodies(itertools.chain([first], itertools.islice(pictures, SHARD - 1)), waiting)):
                    row, image = _row(waiting.popleft(), f"{shard:05d}{len(rows):04d}", answer)
                    rows.append(row)
                    counts[row["status"]] += 1
                    if image:
                        _add(tar, f"{row['key']}.jpg", image)
                        _add(tar, f"{row['key']}.json", json.dumps(row).encode())
            storage.write_table(folder, f"{shard:05d}.parquet", pa.Table.from_pylist(rows, SCHEMA))
    return counts


def _bodies(pictures: Iterable[tuple[dict[str, Any], bytes]], waiting: deque[dict[str, Any]]) -> Iterator[bytes]:
    for row, data in pictures:
        waiting.append(row)
        yield data


def _pictures(done: Done) -> Iterator[tuple[dict[str, Any], bytes]]:
    """The fetched ones, in the order of the tables; one body at a time."""
    for source in done.paths("urls"):
        rows = [r for r in storage.read_table(source, list(_READ)).to_pylist() if r["status"] == "success"]
        for blob in sorted({r["blob"] for r in rows}):
            with storage.open_read(storage.join(done.root, blob)) as f:
                for r in rows:
                    if r["blob"] == blob:
                        f.seek(r["blob_offset"])
                        yield r, f.read(r["bytes"])


_READ = ("image_id", "url", "status", "sha256", "blob", "blob_offset", "bytes")


def _row(r: dict[str, Any], key: str, answer: bytes | Death) -> tuple[dict[str, Any], bytes]:
    row = {"image_id": r["image_id"], "url": r["url"], "key": key, "sha256": r["sha256"], "status": "failed_to_resize", "error_message": ""}
    if isinstance(answer, Death):
        return {**row, "error_message": f"{answer.kind}: {answer.message}"[:200]}, b""
    line, _, image = answer.partition(b"\n")
    facts = json.loads(line)
    if "error" in facts:
        return {**row, "error_message": facts["error"]}, b""
    return {**row, **facts, "status": "success"}, image


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
