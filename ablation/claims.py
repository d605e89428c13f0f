"""What the paper says, and which of our arms would say the same. Rows: Laurencon et al. 2024 (arXiv 2405.02246)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """`better` should score above `worse` in `skill` (average = mean over skills)."""

    text: str
    better: str
    worse: str
    skill: str = "average"


@dataclass(frozen=True)
class Finding:
    title: str
    paper: str
    claims: tuple[Claim, ...]
    caveat: str = ""


FINDINGS: dict[str, Finding] = {
    "1": Finding(
        "A better language model helps more than a better vision tower",
        "Tables 1 and 2: Llama-1-7B 62.5 -> Mistral-7B 67.6 (+5.1); CLIP-ViT-H 57.4 -> SigLIP-SO400M 60.7 (+3.3).",
        (
            Claim("the longer trained language model helps", "decoder long, tower long", "decoder short, tower long"),
            Claim("the longer trained tower helps", "decoder long, tower long", "decoder long, tower short"),
            Claim("the language model matters more than the tower", "decoder long, tower short", "decoder short, tower long"),
        ),
        "Quality here is training length, not another model: only the direction can be compared.",
    ),
    "2": Finding(
        "Frozen backbones: cross-attention wins; trained ones: fully autoregressive wins",
        "Table 3: autoregressive frozen 60.3, cross-attention frozen 66.7, cross-attention LoRA 67.3, autoregressive LoRA 69.5.",
        (
            Claim("frozen: cross-attention above autoregressive", "cross-attention, frozen", "autoregressive, frozen"),
            Claim("LoRA: autoregressive above cross-attention", "autoregressive, LoRA", "cross-attention, LoRA"),
            Claim("autoregressive: LoRA above frozen", "autoregressive, LoRA", "autoregressive, frozen"),
            Claim("cross-attention: LoRA above frozen", "cross-attention, LoRA", "cross-attention, frozen"),
        ),
        "Steps are equal; packs hold equal tokens, so cross-attention (3 text positions a picture) sees more pictures: both counts are in the table. "
        "Our cross-attention adds a block before every decoder layer. Look-up needs earlier pictures, and a token sees only the latest one there.",
    ),
    "3": Finding(
        "Full unfreezing diverges; LoRA is stable and better than frozen",
        "Section 3.2: fully unfrozen training diverged even at lower rates; LoRA +9.2 over frozen in Table 3 (the text says +12.9).",
        (
            Claim("LoRA above frozen at the base rate", "LoRA, rate x 1", "frozen, rate x 1"),
            Claim("LoRA above full at ten times the rate", "LoRA, rate x 10", "full, rate x 10"),
            Claim("DoRA above full at ten times the rate", "DoRA, rate x 10", "full, rate x 10"),
        ),
        "Diverged = loss or gradient not finite, or a final loss above the first. Half the steps of the other findings.",
    ),
    "4": Finding(
        "Learned pooling cuts tokens and raises the score",
        "Table 3: 729 -> 64 tokens +8.5 (51.8 -> 60.3). Table 4: 128 latents 71.2, 64 latents 71.7. Table 11: linear 44.5, mapping 51.8, perceiver 60.3.",
        (
            Claim("perceiver 64 above mapping (all patches)", "perceiver 64", "mapping"),
            Claim("mapping above linear", "mapping", "linear"),
            Claim("64 latents no worse than 128", "perceiver 64", "perceiver 128"),
            Claim("perceiver 64 above perceiver 16", "perceiver 64", "perceiver 16"),
        ),
        "64 patches a picture here, so 64 and 128 latents pool nothing: the cost curve is the comparison. Packs hold equal tokens: "
        "fewer tokens a picture means more pictures in the same steps.",
    ),
    "5": Finding(
        "Keeping the aspect ratio costs little and saves compute",
        "Table 5: square 768 px 73.1; ratio kept, 378 to 768 px, 72.1.",
        (
            Claim("native no worse than square at equal patches", "native, longest side x 1.5", "square, equal patches"),
            Claim("the box's own proportions need the ratio", "native, longest side x 1.5", "square, equal patches", "box"),
            Claim("square of the longest side no better, though dearer", "native, longest side x 1.5", "square, longest side x 1.5"),
        ),
        "`box` was made to need the ratio; the paper's benchmarks were not.",
    ),
    "6": Finding(
        "Splitting pictures raises reading, little else",
        "Section 3.4: 64 -> 320 tokens, TextVQA 70.4 -> 73.0, DocVQA 67.3 -> 74.0, MMBench 76.8 -> 76.7; splitting half the samples is as good as all.",
        (
            Claim("splitting raises reading of letters", "100 % split", "0 % split", "letter"),
            Claim("half split reads as well as all split", "50 % split", "100 % split", "letter"),
            Claim("no gain elsewhere: shape", "0 % split", "100 % split", "shape"),
        ),
        "Arms with splitting are asked with split pictures (five times the tokens); packs hold equal tokens, so they see fewer pictures in the same steps.",
    ),
    "data": Finding(
        "The data: fixed trainer, other curation, equal tokens",
        "Not in the paper. DataComp (arXiv 2304.14108) swaps filters under a fixed trainer for pairs; here for interleaved pages.",
        (
            Claim("curated above uncurated", "curated", "uncurated"),
            Claim("the CLIP limit helps", "curated", "CLIP limit left out"),
            Claim("the image rules help", "curated", "image rules left out"),
            Claim("the language filter helps", "curated", "language left out"),
            Claim("dedup helps", "curated", "dedup off"),
            Claim("CLIP placement above natural order", "CLIP placement", "natural order"),
            Claim("the document mask helps", "curated", "document mask off"),
        ),
        "Models have read pages only and are asked to go on with a caption (restricted choice). Wrong captions are 15 % of this web by design.",
    ),
}
