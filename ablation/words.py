"""One tokenizer for all arms: byte-pair, trained on the uncurated pages (so it favours no arm) and on the questions."""

from __future__ import annotations

from collections.abc import Iterable

VOCAB = 2048
SPECIAL = ("<unk>", "<s>", "</s>", "<pad>", "<image>", "<fake_token_around_image>", "<end_of_utterance>")
WEIGHT = 30  # how often a word that must stay whole is said to the trainer


def train(texts: Iterable[str], whole: Iterable[str], file: str, vocab: int = VOCAB) -> None:
    """Write a tokenizer.json in which each of `whole`, after a space, is one token. ValueError if one is not."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    t = Tokenizer(models.BPE(unk_token=None))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    words = sorted(set(whole))
    t.train_from_iterator([*texts, *(" ".join(["", w] * WEIGHT) for w in words for _ in range(WEIGHT))], trainer)
    split = [w for w in words if len(t.encode(f" {w}", add_special_tokens=False).ids) != 1]
    if split:
        raise ValueError(f"{len(split)} words are not one token each, such as {split[0]!r}: the vocabulary of {vocab} is too small")
    t.save(file)
