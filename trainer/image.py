"""Images: how large, into how many patches, and decoded to uint8 patches. The plan uses the first part, workers the second."""

from __future__ import annotations

import io

import numpy as np
import torch

from trainer.config import Images

ALLOWED = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8")
MAX_PIXELS = 60_000_000  # a header that claims more is refused before anything is decoded


class BadImage(ValueError):
    """The bytes are no picture that we read."""


def grids(width: int, height: int, rule: Images, patch: int, multiple: int = 1) -> list[tuple[int, int]]:
    """Rows and columns of patches of every crop an image of that size becomes, by the rule. Pure: the plan relies on it.

    native keeps the aspect ratio and never enlarges; square is `side` x `side`; split is four crops and the original.
    `multiple`: rows and columns are rounded to it (pixel shuffle).
    """
    unit = patch * multiple
    most = max(1, rule.side // unit) * multiple
    if rule.rule == "square":
        return [(most, most)]
    scale = min(1.0, rule.side / max(width, height, 1))

    def cells(pixels: int) -> int:
        return min(most, max(1, round(pixels * scale / unit)) * multiple)

    one = (cells(height), cells(width))
    return [one] * 5 if rule.rule == "split" else [one]


def decode(data: bytes, least: tuple[int, int] = (0, 0)) -> torch.Tensor:
    """uint8 (3, H, W). EXIF orientation is applied, only the first frame is taken. Raises BadImage.

    `least`: the (height, width) that is wanted in the end. A JPEG may then come out at 1/2, 1/4 or 1/8 of its size, never below `least`:
    its transform gives them for a fraction of the work.
    """
    from PIL import Image, ImageOps

    if not data.startswith(ALLOWED) and data[4:12] not in (b"ftypavif", b"ftypavis"):
        raise BadImage(f"not a JPEG, PNG, WebP, GIF or AVIF ({len(data)} bytes, starts with {data[:8]!r})")
    try:
        if data.startswith(b"\xff\xd8\xff") and (pixels := _jpeg(data, least)) is not None:
            return pixels
        with Image.open(io.BytesIO(data)) as im:
            if im.width * im.height > MAX_PIXELS:
                raise BadImage(f"{im.width} x {im.height} pixels are too many")
            im.seek(0)
            if im.mode.startswith("I"):  # 16 bits a channel: PIL would clip, not scale
                im = Image.fromarray((np.asarray(im, dtype=np.uint32) >> 8).clip(0, 255).astype(np.uint8))
            im = ImageOps.exif_transpose(im)
            if im.mode in ("RGBA", "LA", "P", "PA"):
                rgba = im.convert("RGBA")
                im = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            return torch.from_numpy(np.array(im.convert("RGB"))).permute(2, 0, 1).contiguous()
    except BadImage:
        raise
    except Exception as e:  # decoders raise many kinds; every one of them means the same here
        raise BadImage(f"{type(e).__name__}: {e}") from e


def _jpeg(data: bytes, least: tuple[int, int]) -> torch.Tensor | None:
    """By libjpeg-turbo. None where PIL must look at it: turned by EXIF, CMYK, or with anything the library warns of."""
    import simplejpeg
    from PIL import Image

    try:
        height, width, space, _ = simplejpeg.decode_jpeg_header(data)
        if height * width > MAX_PIXELS:
            raise BadImage(f"{width} x {height} pixels are too many")
        if space not in ("YCbCr", "Gray", "RGB"):
            return None
        if b"Exif\x00" in data[:4096] and Image.open(io.BytesIO(data)).getexif().get(0x0112, 1) != 1:
            return None
        by = next((f for f in (8, 4, 2) if all(least) and -(-height // f) >= least[0] and -(-width // f) >= least[1]), 1)
        if by == 1:
            pixels = simplejpeg.decode_jpeg(data, "RGB")
        else:  # the factors between (7/8, 3/4, 5/8, ...) have no vector code in the library: they are slower than the whole picture
            pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=-(-height // by), min_width=-(-width // by), min_factor=1)
    except BadImage:
        raise
    except ValueError:
        return None
    return torch.from_numpy(pixels).permute(2, 0, 1)


def patches(pixels: torch.Tensor, grid: tuple[int, int], patch: int) -> torch.Tensor:
    """Resize to the grid (antialiased bicubic) and cut: uint8 (rows, cols, 3 * patch * patch), channel first as Conv2d's kernel."""
    from torchvision.transforms.v2.functional import InterpolationMode, resize

    rows, cols = grid
    if pixels.shape[1:] != (rows * patch, cols * patch):
        pixels = resize(pixels, [rows * patch, cols * patch], interpolation=InterpolationMode.BICUBIC, antialias=True)
    cut = pixels.reshape(3, rows, patch, cols, patch).permute(1, 3, 0, 2, 4)
    return cut.reshape(rows, cols, 3 * patch * patch).contiguous()


def crops(pixels: torch.Tensor, count: int) -> list[torch.Tensor]:
    """The picture itself, or its four quarters and then the picture."""
    if count == 1:
        return [pixels]
    h, w = (pixels.shape[1] + 1) // 2, (pixels.shape[2] + 1) // 2
    top, bottom = pixels[:, :h], pixels[:, -h:]
    return [top[:, :, :w], top[:, :, -w:], bottom[:, :, :w], bottom[:, :, -w:], pixels]
