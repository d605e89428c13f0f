"""Every image rule: inputs, what they measure, which limits they fail. A limit equal to the measure passes."""

from __future__ import annotations

from tests.filters.cases.items import NOTHING, A, B, Cases, image, node

CASES: Cases = {
    "image.rendered_size": [
        ({}, node(), NOTHING, []),
        ({}, node(width=150, height=20_000), {"image_rendered_min_side": 150, "image_rendered_max_side": 20_000}, []),
        ({}, node(width=149, height=20_001), {"image_rendered_min_side": 149, "image_rendered_max_side": 20_001}, [B, A]),
        ({}, node(width=88), {"image_rendered_min_side": 88, "image_rendered_max_side": 88}, [B]),
    ],
    "image.rendered_aspect_ratio": [
        ({}, node(width=100), NOTHING, []),
        ({}, node(width=100, height=200), {"image_rendered_aspect_ratio": 0.5}, []),
        ({}, node(width=100, height=201), {"image_rendered_aspect_ratio": 100 / 201}, [B]),
        ({}, node(width=201, height=100), {"image_rendered_aspect_ratio": 2.01}, [A]),
    ],
    "image.url_words": [
        ({}, node("https://x.org/img/SiteLogo2.png"), {"image_url_words": 1}, [A]),
        ({}, node("https://x.org/icons/button.png"), {"image_url_words": 2}, [A]),
        ({}, node("https://x.org/essex/silicon-lexicon.jpg"), {"image_url_words": 0}, []),
        ({"words": ["avatar"]}, node("https://x.org/my_avatar.jpg"), {"image_url_words": 1}, [A]),
    ],
    "image.url_format": [
        ({}, node("https://x.org/a.JPG?x=1.gif#y"), {"image_url_format": 1}, []),
        ({}, node("https://x.org/a.svg"), {"image_url_format": 0}, [B]),
        ({}, node("https://x.org/image.php?f=a.gif"), NOTHING, []),
        ({}, node("https://x.gif/"), NOTHING, []),
        ({"formats": ["svg"]}, node("https://x.org/a.svg"), {"image_url_format": 1}, []),
    ],
    "image.format": [
        ({}, image(), NOTHING, []),
        ({}, image(format="JPEG"), {"image_format_allowed": 1}, []),
        ({}, image(format="mpo"), {"image_format_allowed": 1}, []),
        ({}, image(format="gif"), {"image_format_allowed": 0}, [B]),
    ],
    "image.size": [
        ({}, image(), NOTHING, []),
        ({}, image(width=150, height=20_000), {"image_min_side": 150, "image_max_side": 20_000}, []),
        ({}, image(width=149, height=20_001), {"image_min_side": 149, "image_max_side": 20_001}, [B, A]),
    ],
    "image.aspect_ratio": [
        ({}, image(width=0, height=5), NOTHING, []),
        ({}, image(width=2, height=1), {"image_aspect_ratio": 2}, []),
        ({}, image(width=201, height=100), {"image_aspect_ratio": 2.01}, [A]),
        ({}, image(width=1, height=3), {"image_aspect_ratio": 1 / 3}, [B]),
    ],
    "image.file_size": [
        ({}, image(), NOTHING, []),
        ({}, image(bytes=5_000), {"image_file_size": 5_000}, []),
        ({"max": 10_000}, image(bytes=10_001), {"image_file_size": 10_001}, [A]),
        ({}, image(bytes=0), {"image_file_size": 0}, [B]),
    ],
    "image.frames": [
        ({}, image(frames=1), {"image_frames": 1}, []),
        ({}, image(frames=2), {"image_frames": 2}, [A]),
        ({}, image(), NOTHING, []),
    ],
    "image.entropy": [
        ({}, image(entropy=2.0), {"image_entropy": 2}, []),
        ({}, image(entropy=0.0), {"image_entropy": 0}, [B]),
        ({}, image(), NOTHING, []),
    ],
    "image.blankness": [
        ({}, image(blankness=0.95), {"image_blankness": 0.95}, []),
        ({}, image(blankness=1.0), {"image_blankness": 1}, [A]),
    ],
    "image.pdq_quality": [
        ({}, image(pdq_quality=50), {"image_pdq_quality": 50}, []),
        ({}, image(pdq_quality=0), {"image_pdq_quality": 0}, [B]),
    ],
    "image.nsfw": [
        ({}, image(), NOTHING, []),
        ({}, image(nsfw=0.85), {"image_nsfw": 0.85}, []),
        ({}, image(nsfw=0.9), {"image_nsfw": 0.9}, [A]),
    ],
    "image.watermark": [
        ({}, image(), NOTHING, []),
        ({}, image(watermark=0.8), {"image_watermark": 0.8}, []),
        ({}, image(watermark=1), {"image_watermark": 1}, [A]),
    ],
}
