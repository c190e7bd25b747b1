"""Good files of every format that the loaders read, as small as they can be and still hold every part."""

from __future__ import annotations

import io
import struct

import numpy as np


def images() -> dict[str, list[bytes]]:
    """By format, files of many modes: palettes, alpha, 16 bits, CMYK, animations, EXIF data, compressions."""
    from PIL import Image

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (13, 17, 4), dtype=np.uint8)
    x[:6] = x[0]
    rgba = Image.fromarray(x)
    rgb, gray, palette = rgba.convert("RGB"), rgba.convert("L"), rgba.convert("RGB").quantize(16)
    deep = Image.fromarray(x[..., 0].astype(np.uint16) * 257)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "a picture"
    moving = dict(save_all=True, append_images=[rgb.rotate(90), rgb], duration=10)

    def file(kind: str, image, **how) -> bytes:
        out = io.BytesIO()
        image.save(out, kind, **how)
        return out.getvalue()

    return {
        "PNG": [
            *(file("PNG", one) for one in (rgb, rgba, gray, palette, deep, rgba.convert("LA"), gray.convert("1"))),
            *(file("PNG", palette, transparency=3), file("PNG", rgb, exif=exif, icc_profile=b"profile" * 9)),
            file("PNG", rgb, **moving),
        ],
        "JPEG": [
            *(file("JPEG", one) for one in (rgb, gray, rgb.convert("CMYK"))),
            *(file("JPEG", rgb, exif=exif), file("JPEG", rgb, progressive=True, quality=30)),
        ],
        "GIF": [file("GIF", palette), file("GIF", gray, comment=b"words"), file("GIF", palette, **moving)],
        "BMP": [file("BMP", one) for one in (rgb, gray, palette, rgba, gray.convert("1"))],
        "TIFF": [
            *(file("TIFF", one) for one in (rgb, rgba, gray, palette, deep, rgb.convert("CMYK"), gray.convert("F"))),
            *(file("TIFF", rgb, compression=how) for how in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
            file("TIFF", gray.convert("1"), compression="group4"),
            file("TIFF", rgb, **moving),
        ],
        "WEBP": [
            file("WEBP", rgb),
            file("WEBP", rgba, lossless=True),
            file("WEBP", rgb, exif=exif),
            file("WEBP", rgb, **moving),
        ],
    }


def sounds() -> dict[str, list[bytes]]:
    """WAV files of every width; those of the soundfile library, where it is installed."""
    x = np.sin(np.arange(400) * 0.3)
    widths = ((8, False), (16, False), (24, False), (32, False), (32, True), (64, True))
    made = {
        "WAV": [
            wav(part, bits, floats=floats) for bits, floats in widths for part in (x[:150], np.stack([x, -x], 1)[:100])
        ]
    }
    try:
        import soundfile
    except ImportError:
        return made
    for kind, forms in (("FLAC", ("PCM_16", "PCM_24")), ("OGG", ("VORBIS", "OPUS")), ("MP3", (None,))):
        made[kind] = []
        for form in forms:
            out = io.BytesIO()
            soundfile.write(out, np.stack([x, -x], 1), 16000, form, format=kind)
            made[kind].append(out.getvalue())
    return made


def wav(x: np.ndarray, bits: int = 16, rate: int = 16000, floats: bool = False, extensible: bool = False) -> bytes:
    """A WAV file of x [samples] or [samples, channels] of -1 to 1."""
    x = x[:, None] if x.ndim == 1 else x
    if floats:
        body = x.astype(f"<f{bits // 8}").tobytes()
    else:
        whole = np.round(np.clip(x, -1, 1 - 2.0 ** (1 - bits)) * 2.0 ** (bits - 1)).astype(np.int64)
        if bits == 8:
            body = (whole + 128).astype(np.uint8).tobytes()
        else:
            body = whole.astype("<i8")[..., None].view(np.uint8)[..., : bits // 8].tobytes()
    kind, channels, width = (3 if floats else 1), x.shape[1], bits // 8 * x.shape[1]
    form = struct.pack("<HHIIHH", 0xFFFE if extensible else kind, channels, rate, rate * width, width, bits)
    if extensible:
        form += struct.pack("<HHIH", 22, bits, 0, kind) + bytes.fromhex("000000001000800000aa00389b71")
    parts = [(b"fmt ", form), (b"LIST", b"odd"), (b"data", body)]
    out = b"".join(name + struct.pack("<I", len(held)) + held + b"\0" * (len(held) % 2) for name, held in parts)
    return b"RIFF" + struct.pack("<I", 4 + len(out)) + b"WAVE" + out
