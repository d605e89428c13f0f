"""The files beside exported weights that let `AutoProcessor` and evaluation harnesses prepare inputs as training did: Idefics2's processor."""

from __future__ import annotations

from typing import Any

from trainer.config import Images
from trainer.model.vlm import VLM
from trainer.text import END, FAKE, IMAGE, Tokens

# Idefics2's turns: no space after the colon where a picture comes first; every turn ends with END and a line break
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] | capitalize }}:{% if m['content'] is string or m['content'][0]['type'] != 'image' %} {% endif %}"
    "{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type'] == 'image' %}" + IMAGE + "{% else %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}" + END + "\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)  # fmt: skip


def image_processor(images: Images, patch: int) -> Any:
    """Idefics2's image processor, set to the rule `images` (native or split)."""
    import transformers

    size = {"longest_edge": images.side, "shortest_edge": min(images.side, patch)}
    return transformers.Idefics2ImageProcessor(
        size=size, do_image_splitting=images.rule == "split", image_mean=[0.5] * 3, image_std=[0.5] * 3
    )


def export_processor(model: VLM, tok: Tokens, images: Images, folder: str) -> None:
    """Write tokenizer, image processor and chat template. ValueError for designs whose pictures no processor of transformers prepares so.

    `images`: the rule of the last stage. transformers puts a space between a picture and a letter that follows it; training does not.
    """
    import transformers
    from tokenizers import AddedToken
    from tokenizers.processors import TemplateProcessing

    if model.c.connector.kind != "perceiver" or model.c.fusion != "ar" or images.rule == "square":
        raise ValueError("transformers has a processor for fusion ar with a perceiver and pictures of rule native or split only")
    t = tok.backend()
    bos, eos, pad = (t.id_to_token(i) for i in (tok.bos, tok.eos, tok.pad))
    t.post_processor = TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A $B", special_tokens=[(bos, tok.bos)])
    special = {"bos_token": bos, "eos_token": eos, "pad_token": pad, "unk_token": "<unk>" if t.token_to_id("<unk>") is not None else pad}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=t, **special, chat_template=TEMPLATE)
    fast.add_special_tokens({"additional_special_tokens": [AddedToken(x, special=True, normalized=False) for x in (FAKE, IMAGE, END)]})
    image = image_processor(images, model.c.vision.patch)
    transformers.Idefics2Processor(image, fast, image_seq_len=model.c.connector.latents, chat_template=TEMPLATE).save_pretrained(folder)
    ends = [tok.eos, tok.end]
    transformers.GenerationConfig(bos_token_id=tok.bos, eos_token_id=ends, pad_token_id=tok.pad).save_pretrained(folder)
