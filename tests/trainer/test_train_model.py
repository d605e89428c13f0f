"""The model: Hugging Face's numbers, packed = separate, no leak, LoRA and DoRA = peft, FLOPs = torch's, one batch overfits."""

from __future__ import annotations

import pytest
import torch

from trainer import flops, freeze
from trainer.batch import Batch, join
from trainer.config import Connector, Decoder, Model, RecipeError, Rule, Vision
from trainer.generate import greedy
from trainer.hf import export_config, export_folder, export_weights, import_folder, import_weights
from trainer.model import attend
from trainer.model.lora import Lora, merge
from trainer.model.vlm import VLM

IMAGE = 259


def config(kind: str = "perceiver", fusion: str = "ar") -> Model:
    return Model(
        fusion=fusion, vision=Vision(width=24, depth=2, heads=2, mlp=40, patch=14, positions=4),
        connector=Connector(kind=kind, latents=3, depth=1, heads=2, kv_heads=1, head_dim=8),
        decoder=Decoder(width=32, depth=2, heads=4, kv_heads=2, head_dim=8, mlp=48, vocab=262),
    )  # fmt: skip


def model(kind: str = "perceiver", fusion: str = "ar", dtype: torch.dtype = torch.float64) -> VLM:
    torch.manual_seed(0)
    m = VLM(config(kind, fusion)).to(dtype)
    with torch.no_grad():
        for n, p in m.named_parameters():
            p.add_(torch.randn_like(p) * (0.5 if n.endswith(("alpha", "beta")) else 0.05))  # gates open, nothing at a special value
    return m


def document(m: VLM, seed: int, grids: list[tuple[int, int]], words: int = 7) -> Batch:
    """Text, then each picture followed by text; all text is a target."""
    g = torch.Generator().manual_seed(seed)
    inline = m.c.fusion == "ar"
    ids: list[int] = torch.randint(0, 256, (3,), generator=g).tolist()
    starts = []
    for n in m.connector.sizes(grids):
        starts.append(len(ids))
        ids += [IMAGE] * n if inline else [260, IMAGE, 260]
        ids += torch.randint(0, 256, (words,), generator=g).tolist()
    tokens = torch.tensor(ids)
    labels = torch.cat([tokens[1:], torch.tensor([-100])])
    labels[labels >= 256] = -100
    runs = [(a, b, i, i + 1) for i, (a, b) in enumerate(zip(starts, [*starts, len(ids)][1:], strict=True))]
    patches = torch.randint(0, 256, (sum(a * b for a, b in grids), 588), generator=g, dtype=torch.uint8)
    slots = (tokens == IMAGE).nonzero()[:, 0] if inline else torch.empty(0, dtype=torch.int64)
    return Batch(tokens, torch.arange(len(ids)), labels, [0, len(ids)], patches, grids, slots, runs)


KINDS = ("perceiver", "linear", "mapping", "shuffle")
SHAPES = [[(2, 4)], [], [(4, 2), (2, 2)]]


@pytest.mark.parametrize("fusion", ["ar", "cross"])
@pytest.mark.parametrize("kind", KINDS)
def test_packed_is_separate_and_dense(fusion: str, kind: str, monkeypatch: pytest.MonkeyPatch):
    docs = [document(model(kind, fusion), i, s) for i, s in enumerate(SHAPES)]
    results = []
    for groups, dense in ((docs, False), ([join(docs)], False), ([join(docs)], True)):
        monkeypatch.setattr(attend, "DENSE", dense)
        m = model(kind, fusion)
        loss = sum(m(b) for b in groups)
        loss.backward()
        results.append((loss.detach(), {n: p.grad for n, p in m.named_parameters()}))
    for loss, grads in results[1:]:
        torch.testing.assert_close(loss, results[0][0], rtol=0, atol=1e-10)
        for n, g in grads.items():
            assert g is not None, n
            torch.testing.assert_close(g, results[0][1][n], rtol=0, atol=1e-10, msg=n)


@pytest.mark.parametrize("fusion", ["ar", "cross"])
@pytest.mark.parametrize("what", ["text", "image"])
def test_a_document_never_reaches_another(fusion: str, what: str):
    m = model("perceiver", fusion, torch.float32).eval()
    a, b = document(m, 1, [(2, 4)]), document(m, 2, [(4, 4)])
    before = m.logits(join([a, b]))
    if what == "text":
        a.tokens[0] = (a.tokens[0] + 1) % 256
    else:
        a.patches = 255 - a.patches
    after = m.logits(join([a, b]))
    n = len(a.tokens)
    assert torch.equal(before[n:], after[n:])
    assert not torch.equal(before[:n], after[:n])


def hf_pair(kind: str):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    text = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
            "vocab_size": 262, "head_dim": 8, "rms_norm_eps": 1e-5, "pad_token_id": 0}  # fmt: skip
    vision = {"hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 2,
              "image_size": 56, "patch_size": 14}
    if kind == "idefics2":
        perceiver = {"resampler_n_latents": 3, "resampler_depth": 2, "resampler_n_heads": 2, "resampler_head_dim": 8,
                     "num_key_value_heads": 1, "hidden_size": 32}  # fmt: skip
        c = transformers.Idefics2Config(
            text_config={"model_type": "mistral", "sliding_window": None, **text}, vision_config=vision,
            perceiver_config=perceiver, image_token_id=IMAGE,
        )
        hf = transformers.Idefics2ForConditionalGeneration(c)
    else:
        family = {"idefics3": "Idefics3", "smolvlm": "SmolVLM"}[kind]
        c = getattr(transformers, f"{family}Config")(
            text_config={"model_type": "llama", **text}, vision_config=vision, scale_factor=2, image_token_id=IMAGE
        )
        hf = getattr(transformers, f"{family}ForConditionalGeneration")(c)
    with torch.no_grad():
        for p in hf.parameters():
            p.copy_(torch.randn_like(p) * 0.1)  # latents too: HF leaves them at one
    return hf.eval()


@pytest.mark.parametrize("kind", ["idefics2", "idefics3", "smolvlm"])
def test_hugging_face_parity_both_ways(kind: str, tmp_path):
    transformers = pytest.importorskip("transformers")
    hf = hf_pair(kind)
    ours = import_weights(hf.config.to_dict(), hf.state_dict()).eval()
    grids = [(2, 4), (4, 3), (1, 1)] if kind == "idefics2" else [(4, 4), (4, 4)]
    b = document(ours, 5, grids)
    pixels, mask, at = torch.zeros(1, len(grids), 3, 56, 56), torch.zeros(1, len(grids), 56, 56, dtype=torch.bool), 0
    for i, (r, c) in enumerate(grids):
        cut = b.patches[at : at + r * c].float() / 127.5 - 1
        pixels[0, i, :, : 14 * r, : 14 * c] = cut.reshape(r, c, 3, 14, 14).permute(2, 0, 3, 1, 4).reshape(3, 14 * r, 14 * c)
        mask[0, i, : 14 * r, : 14 * c] = True
        at += r * c

    def logits(m) -> torch.Tensor:
        with torch.no_grad():
            ones = torch.ones_like(b.tokens)[None]
            return m(input_ids=b.tokens[None], attention_mask=ones, pixel_values=pixels, pixel_attention_mask=mask).logits[0]

    with torch.no_grad():
        assert (ours.logits(b) - logits(hf)).abs().max() < 1e-5
    back = export_weights(ours)
    assert back.keys() == hf.state_dict().keys()
    assert all(torch.equal(v, hf.state_dict()[k]) for k, v in back.items())
    export_folder(ours, str(tmp_path), IMAGE)
    name = "Idefics2" if kind == "idefics2" else "Idefics3"
    again = getattr(transformers, f"{name}ForConditionalGeneration").from_pretrained(tmp_path).eval()
    torch.testing.assert_close(logits(again), logits(hf), rtol=0, atol=1e-6)
    assert import_folder(str(tmp_path)).c == ours.c


def test_export_refuses_what_hf_has_no_class_for():
    with pytest.raises(ValueError, match="cross"):
        export_config(model("perceiver", "cross"), IMAGE)
    with pytest.raises(ValueError, match="model_type"):
        import_weights({"model_type": "llava"}, {})


@pytest.mark.parametrize("dora", [False, True])
def test_adapters_equal_peft(dora: bool):
    peft = pytest.importorskip("peft")
    torch.manual_seed(0)
    base = torch.nn.Linear(12, 20).double()
    ours = Lora(base, 4, 8.0, dora)
    torch.nn.init.normal_(ours.b)
    plain = torch.nn.Sequential(torch.nn.Linear(12, 20).double())
    plain[0].load_state_dict(base.state_dict())
    other = peft.get_peft_model(plain, peft.LoraConfig(r=4, lora_alpha=8, target_modules=["0"], use_dora=dora, lora_dropout=0.0)).double()
    layer = other.base_model.model[0]
    with torch.no_grad():
        layer.lora_A["default"].weight.copy_(ours.a)
        layer.lora_B["default"].weight.copy_(ours.b)
        if dora:
            layer.lora_magnitude_vector["default"].weight.copy_(ours.magnitude)
    x = torch.randn(5, 12).double()
    ours(x).pow(2).sum().backward()
    other(x).pow(2).sum().backward()
    torch.testing.assert_close(ours(x), other(x), rtol=0, atol=1e-10)
    torch.testing.assert_close(ours.a.grad, layer.lora_A["default"].weight.grad, rtol=0, atol=1e-8)
    torch.testing.assert_close(ours.b.grad, layer.lora_B["default"].weight.grad, rtol=0, atol=1e-8)
    y = ours(x)
    torch.testing.assert_close(ours.merged()(x), y, rtol=0, atol=1e-10)


MODES = {
    "train": (), "frozen": (Rule(modules="vision", mode="frozen"), Rule(modules="layers", mode="frozen")),
    "lora": (Rule(modules="vision.layers", mode="lora", rank=8), Rule(modules="layers", mode="lora", rank=8)),
    "dora": (Rule(modules="vision.layers", mode="dora", rank=8), Rule(modules="layers", mode="dora", rank=8)),
}  # fmt: skip


@pytest.mark.parametrize("mode", list(MODES))
@pytest.mark.parametrize("fusion", ["ar", "cross"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_batch_overfits_and_frozen_parts_stay(kind: str, fusion: str, mode: str):
    m = model(kind, fusion, torch.float32)
    ruled = freeze.apply(m, MODES[mode])
    before = {n: p.detach().clone() for n, p in m.named_parameters()}
    b = join([document(m, 1, [(2, 4)], 4), document(m, 2, [(4, 2)], 4)])
    optimizer = torch.optim.AdamW(freeze.groups(m, ruled, 0.0), lr=1e-2)
    for _ in range(80):
        loss = m(b) / b.targets
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert loss < 0.1
    for n, p in m.named_parameters():
        assert torch.equal(p, before[n]) != p.requires_grad, n
    y = m.eval().logits(b)
    torch.testing.assert_close(merge(m).logits(b), y, rtol=1e-3, atol=1e-3)


def test_a_rule_that_matches_nothing_is_refused():
    with pytest.raises(RecipeError, match="visoin"):
        freeze.apply(model(), (Rule(modules="visoin", mode="frozen"),))


@pytest.mark.parametrize("mode", ["train", "frozen"])
@pytest.mark.parametrize("fusion", ["ar", "cross"])
@pytest.mark.parametrize("kind", KINDS)
def test_flops_are_torchs(kind: str, fusion: str, mode: str, monkeypatch: pytest.MonkeyPatch):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    m = model(kind, fusion)
    freeze.apply(m, MODES[mode])
    b = document(m, 3, [(2, 4), (2, 2)])
    with sdpa_kernel(SDPBackend.MATH):  # plain matrix products: counted as they are
        with FlopCounterMode(display=False) as forward:
            loss = m(b)
        with FlopCounterMode(display=False) as backward:
            loss.backward()
    assert flops.count(m, b, causal_full=True) == (forward.get_total_flops(), backward.get_total_flops())


@pytest.mark.parametrize("fusion", ["ar", "cross"])
def test_generation_with_cache_is_generation_without(fusion: str):
    m = model("perceiver", fusion).eval()
    prompts = [document(m, 1, [(2, 4)]), document(m, 2, []), document(m, 3, [(2, 2), (4, 4)])]
    got = greedy(m, join(prompts), set(), 6)
    for p, answer in zip(prompts, got, strict=True):
        for t in answer:
            assert int(m.logits(p)[-1].argmax()) == t
            n = len(p.tokens)
            runs = [*p.runs[:-1], (p.runs[-1][0], n + 1, *p.runs[-1][2:])] if p.runs else []
            p = Batch(torch.cat([p.tokens, torch.tensor([t])]), torch.arange(n + 1), torch.full((n + 1,), -100), [0, n + 1],
                      p.patches, p.grids, p.slots, runs)  # fmt: skip
