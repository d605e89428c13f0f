"""What arms share, made once and kept under `DIR/assets`: the web's curations, tokenizer, case sets, backbones.

Each lies in a folder named by a digest of what it was made from; it appears whole or not at all, so a killed run makes it again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from ablation import conversations, web, words
from ablation.scale import Scale
from ablation.scenes import MIXED, SQUARE
from trainer.config import Recipe, load

VERSION = 2  # of what is made here: raise it when the same settings give other bytes


def digest(*what: Any) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:12]


class Assets:
    def __init__(self, folder: str, scale: Scale, say: Callable[[str], None] = lambda _: None):
        self.folder, self.scale, self.say = os.path.join(folder, "assets"), scale, say

    def base(self) -> Recipe:
        """The scale's recipe, as its arms override it."""
        return load(self.recipe_file())

    def recipe_file(self) -> str:
        return str(files("configs") / "recipes" / self.scale.recipe)

    def pages(self, key: str) -> str:
        """Pages of a curation (`ablation.web`): a folder with pages.jsonl."""
        one = next(c for c in web.CURATIONS if c.key == key)
        out = os.path.join(self.folder, f"web-{digest('web', self.scale.web)}")
        if not os.path.exists(os.path.join(out, key, "pages.jsonl")):
            self.say(f"pipeline: {one.name}")
        return web.curate(one, out, self.scale.web)

    def texts(self, key: str) -> list[str]:
        with open(os.path.join(self.pages(key), "pages.jsonl"), encoding="utf-8") as f:
            return [t for line in f for t in json.loads(line)["texts"] if t]

    def tokenizer(self) -> str:
        file = os.path.join(self.folder, f"tokenizer-{digest(VERSION, self.scale.web, words.VOCAB)}.json")
        if not os.path.exists(file):
            cases = list(conversations.training(2000, "train"))
            talk = [f"User: {t.question}\nAssistant: {t.answer}\n" for c in cases for t in c.turns]
            os.makedirs(self.folder, exist_ok=True)
            words.train([*self.texts("uncurated"), *talk], {*web.SAID, *(t.answer for c in cases for t in c.turns)}, file)
        return file

    def cases(self, name: str) -> str:
        """A training set: plain | mixed | splitNN."""
        sizes, split = MIXED if name == "mixed" else SQUARE, int(name[5:]) / 100 if name.startswith("split") else 0.0
        out = os.path.join(self.folder, f"cases-{name}-{digest(VERSION, self.scale.cases, conversations.MIX)}")
        return conversations.write(conversations.training(self.scale.cases, "train", sizes=sizes), out, split)

    def asked(self, name: str) -> str:
        """Questions: plain | mixed | split100 (conversations), cloze (pages)."""
        out = os.path.join(self.folder, f"asked-{name}-{digest(VERSION, self.scale.asked)}")
        if name == "cloze":
            from ablation.cloze import write

            return write(self.scale.asked, out)
        sizes = MIXED if name == "mixed" else SQUARE
        return conversations.write(conversations.asked(self.scale.asked, "asked", sizes=sizes), out, 1.0 if name == "split100" else 0.0)

    def tower(self, quality: str) -> str:
        from ablation.backbones import train_tower
        from trainer.text import Tokens

        model, steps = self.base().model, self.scale.tower[quality]
        file = os.path.join(
            self.folder, f"tower-{quality}-{digest(VERSION, str(model.vision), model.std, steps, self.scale.pairs)}.safetensors"
        )
        if not os.path.exists(file):
            self.say(f"vision tower, {quality}: {steps} steps of contrast")
            train_tower(model.vision, Tokens(self.tokenizer()), steps, file, self.scale.pairs, say=self.say)
        return file

    def decoder(self, quality: str) -> str:
        from dataclasses import replace

        from ablation.backbones import train_decoder
        from trainer.text import Tokens

        model, steps = self.base().model, self.scale.decoder[quality]
        file = os.path.join(
            self.folder, f"decoder-{quality}-{digest(VERSION, str(model.decoder), model.std, steps, self.scale.web)}.safetensors"
        )
        if not os.path.exists(file):
            self.say(f"language model, {quality}: {steps} steps on curated text")
            tok = Tokens(self.tokenizer())
            model = replace(model, decoder=replace(model.decoder, vocab=tok.vocab))
            train_decoder(model, tok, self.texts("curated"), 1 + 30 * steps, steps, file, say=self.say)
        return file
