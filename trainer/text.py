"""Text: tokenizers, special tokens, the chat template, and which targets count. Labels are made here and nowhere else."""

from __future__ import annotations

import hashlib
import os
from typing import Any

IMAGE, FAKE, END = "<image>", "<fake_token_around_image>", "<end_of_utterance>"
IGNORE = -100


class Bytes:
    """UTF-8 bytes and six special ids: no file, no training, any language."""

    vocab = 262
    pad, bos, eos, image, fake, end = 256, 257, 258, 259, 260, 261
    hash = "bytes-1"

    def encode(self, text: str) -> list[int]:
        return list(text.encode("utf-8"))

    def decode(self, ids: list[int]) -> str:
        return bytes(i for i in ids if i < 256).decode("utf-8", "replace")


class Tokens:
    """A tokenizer.json of the `tokenizers` library; image and turn tokens are added where it lacks them."""

    def __init__(self, path: str):
        from tokenizers import AddedToken, Tokenizer

        file = os.path.join(path, "tokenizer.json") if os.path.isdir(path) else path
        self._t = Tokenizer.from_file(file)
        self._t.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in (IMAGE, FAKE, END)])
        self._t.encode_special_tokens = True  # a page that says "<image>" says so in letters: it cannot place a token
        with open(file, "rb") as f:
            self.hash = hashlib.sha256(f.read()).hexdigest()[:16]
        self.vocab = self._t.get_vocab_size()
        self.image, self.fake, self.end = (self._t.token_to_id(t) for t in (IMAGE, FAKE, END))
        self.bos = self._first("<s>", "<|begin_of_text|>", "<|im_start|>", "<|endoftext|>")
        self.eos = self._first("</s>", "<|end_of_text|>", "<|im_end|>", "<|endoftext|>")
        self.pad = self._first("<pad>", "</s>", "<|im_end|>", "<|endoftext|>", "<unk>")

    def backend(self) -> Any:
        """A copy of the tokenizer of the `tokenizers` library, with the tokens that were added."""
        from tokenizers import Tokenizer

        return Tokenizer.from_str(self._t.to_str())

    def _first(self, *names: str) -> int:
        for n in names:
            if (i := self._t.token_to_id(n)) is not None:
                return i
        raise ValueError(f"the tokenizer has none of {', '.join(names)}")

    def encode(self, text: str) -> list[int]:
        return self._t.encode(text, add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        return self._t.decode(ids)


def tokenizer(name: str) -> Bytes | Tokens:
    return Bytes() if name == "bytes" else Tokens(name)


class Node:
    """A piece of a document: text already in tokens (`ids`), or an image (`ids` None). `answer`: it is what the model should say."""

    __slots__ = ("ids", "image", "answer", "size")

    def __init__(self, ids: list[int] | None, image: int = -1, answer: bool = False, size: tuple[int, int] = (0, 0)):
        self.ids, self.image, self.answer, self.size = ids, image, answer, size


def page_nodes(doc: dict, tok: Bytes | Tokens) -> list[Node]:
    """Nodes of a shard's document, in page order: paragraphs end with a blank line. `image` is the position in `images`."""
    out = []
    sizes = zip(doc.get("image_width") or [0] * len(doc["texts"]), doc.get("image_height") or [0] * len(doc["texts"]), strict=True)
    for i, (text, image, (w, h)) in enumerate(zip(doc["texts"], doc["images"], sizes, strict=True)):
        if image is not None:
            out.append(Node(None, i, size=(w or 0, h or 0)))
        elif text:
            out.append(Node(tok.encode(text + "\n\n")))
    return out


def chat_nodes(doc: dict, tok: Bytes | Tokens) -> list[Node]:
    """Nodes of a conversation by Idefics2's template: `User:<images>question<end>\\nAssistant: answer<end>\\n`.

    All pictures stand in the first turn, unless turns say how many `pictures` are theirs (few-shot examples).
    """
    sizes = doc.get("sizes") or []
    if len(sizes) != len(doc.get("images") or []):
        raise ValueError(f"{len(doc.get('images') or [])} images but {len(sizes)} sizes: let trainer.sft.prepare add them")
    shared = not any("pictures" in turn for turn in doc["texts"])
    counts = [(len(sizes) if n == 0 else 0) if shared else turn.get("pictures", 0) for n, turn in enumerate(doc["texts"])]
    if sum(counts) != len(sizes):
        raise ValueError(f"the turns speak of {sum(counts)} pictures, the conversation has {len(sizes)}")
    out, shown = [], 0
    for turn, count in zip(doc["texts"], counts, strict=True):
        out.append(Node(tok.encode("User:" if count else "User: ")))
        out += [Node(None, i, size=tuple(sizes[i])) for i in range(shown, shown + count)]
        shown += count
        out.append(Node([*tok.encode(turn["user"]), tok.end, *tok.encode("\nAssistant:")]))
        out.append(Node([*tok.encode(" " + turn["assistant"]), tok.end], answer=True))
        out.append(Node(tok.encode("\n")))
    return out


def nodes(doc: dict, kind: str, tok: Bytes | Tokens) -> list[Node]:
    return chat_nodes(doc, tok) if kind == "sft" else page_nodes(doc, tok)
