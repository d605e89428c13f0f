"""What runs and trainings count while they work: file or stream -> field -> what it says, in which unit. For the reference pages."""

from __future__ import annotations

from typing import Final

RUN_EVENTS: Final[dict[str, str]] = {
    "time": "seconds since 1970, UTC",
    "event": "`starting`, `progress` (every 30 s) or `finished`",
    "stage": "name of the stage",
    "folder": "`starting`: the stage's folder",
    "parts": "`starting`, `progress`: parts the stage has",
    "done": "`progress`: parts whose receipts are written",
    "skipped": "`finished`: nothing had changed, nothing was done",
    "seconds": "`finished`: how long it took",
    "counts": "`finished`: documents, paragraphs and images: entered, kept, dropped by first reason, dead",
}

TRAINING: Final[dict[str, str]] = {
    "step": "optimizer step, from 1",
    "loss": "mean negative log-likelihood of a target token over the step's global batch, in nats",
    "norm": "norm of the gradient before clipping",
    "lr": "learning rate of the step, before the factors of the groups",
    "stage": "stage of the recipe",
    "targets": "tokens that the loss counts",
    "tokens": "real tokens in the packs, padding left out",
    "images": "pictures in the packs, each crop of a split picture for itself",
    "fill": "real tokens over the packs' room, 0 to 1",
    "tokens_per_s": "real tokens a second, all ranks together",
    "images_per_s": "pictures a second, all ranks together",
    "wait": "share of the step spent on waiting for data, 0 to 1",
    "flops_per_s": "floating-point operations a second: vision, connector and decoder, forward and backward, real tokens only",
    "mfu": "model FLOPs utilisation: that over the devices' peak, 0 to 1; null where the peak is not known (CPU)",
}

BAD_SAMPLES: Final[dict[str, str]] = {
    "step": "step whose batch should have held it",
    "source": "name of the source in the recipe",
    "key": "the document's name: doc_id in shards",
    "file": "shard or file that holds it",
    "offset": "where in the file its bytes begin",
    "nodes": "first node and the one after the last, of the part that was wanted",
    "what": "`document`: could not be read; `image`: could not be decoded; `text`: a node larger than a pack was cut",
    "image": "`image`: the picture's member or file",
    "lost": "`text`: tokens left out",
    "error": "what was wrong, in words",
}
