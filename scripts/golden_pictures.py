#!/usr/bin/env python3
"""Makes the goldens of embed/pixels of pictures that are out of the ordinary.

Writes into embed/pixels/testdata:

  odd/         small files as programs and phones write them and as the wire cuts
               them: samplings, scans and tables of JPEG, frames of GIF, passes and
               checksums of PNG, packings of BMP, planes and tiles of TIFF, animated
               WebP, and the places where an orientation is written
  odd.json     name and size of each, how much it is shrunk, and the tolerance
  odd.bin.gz   what Pillow reads from each (RGB bytes), upright and on white; of a
               shrunk JPEG what libjpeg's scaled DCT gives

Needs numpy and pillow. Run from the repository's root.
"""

import gzip
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import PIL
from PIL import Image, ImageFile, ImageOps

ImageFile.LOAD_TRUNCATED_IMAGES = True
OUT = pathlib.Path("embed/pixels/testdata")
W, H = 37, 29


def picture(w, h, seed):
    """Smooth colours, hard edges and noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:h, 0:w]
    rgb = np.stack([255 * x / max(w - 1, 1), 255 * y / max(h - 1, 1), 128 + 127 * np.sin(x / 3 + y / 5)], axis=-1)
    rgb[(x // 5 + y // 7) % 3 == 0] = [250, 20, 40]
    rgb += rng.normal(0, 12, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)


RGB = picture(W, H, 100)
IMAGE = Image.fromarray(RGB)


def saved(im, kind, **options):
    out = io.BytesIO()
    im.save(out, kind, **options)
    return out.getvalue()


# --- JPEG: an encoder for any sampling, in one scan or one a channel -----------

ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))


def standard_tables():
    """The Huffman tables of Annex K, taken from a file that Pillow writes."""
    data = saved(Image.new("RGB", (8, 8)), "JPEG")
    tables, at = {}, 2
    while data[at + 1] != 0xDA:
        size = struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at + 1] == 0xC4:
            b = data[at + 4 : at + 2 + size]
            while b:
                n = sum(b[1:17])
                tables[b[0]] = b[: 17 + n]
                b = b[17 + n :]
        at += 2 + size
    return tables


TABLES = standard_tables()


def codes(table):
    code, out, k = 0, {}, 17
    for length in range(1, 17):
        for _ in range(table[length]):
            out[table[k]] = (code, length)
            code, k = code + 1, k + 1
        code <<= 1
    return out


class Bits:
    def __init__(self):
        self.bits = []

    def put(self, value, n):
        self.bits += [(value >> (n - 1 - i)) & 1 for i in range(n)]

    def bytes(self):
        bits = self.bits + [1] * (-len(self.bits) % 8)
        raw = bytes(int("".join(map(str, bits[i : i + 8])), 2) for i in range(0, len(bits), 8))
        return raw.replace(b"\xff", b"\xff\x00")


def put_block(bits, block, last, dc, ac):
    def number(v):
        n = int(abs(v)).bit_length()
        return n, v if v > 0 else v + (1 << n) - 1

    n, v = number(int(block[0]) - last)
    bits.put(*dc[n])
    bits.put(v, n)
    run = 0
    top = max([k for k in range(1, 64) if block[k]], default=0)
    for k in range(1, top + 1):
        if block[k] == 0:
            run += 1
            continue
        while run > 15:
            bits.put(*ac[0xF0])
            run -= 16
        n, v = number(int(block[k]))
        bits.put(*ac[run << 4 | n])
        bits.put(v, n)
        run = 0
    if top < 63:
        bits.put(*ac[0])
    return int(block[0])


def jpeg(sampling, rgb=RGB, separate=False, tables=True, end=True, marker=b"", q=6, ids=(1, 2, 3)):
    h, w = rgb.shape[:2]
    ycc = np.asarray(Image.fromarray(rgb).convert("YCbCr")).astype(float)
    hmax, vmax = max(s[0] for s in sampling), max(s[1] for s in sampling)
    mx, my = -(-w // (8 * hmax)), -(-h // (8 * vmax))
    full = np.pad(ycc, ((0, my * 8 * vmax - h), (0, mx * 8 * hmax - w), (0, 0)), mode="edge")
    k = np.arange(8)
    dct = np.sqrt(2 / 8) * np.cos((2 * k[None] + 1) * k[:, None] * np.pi / 16)
    dct[0] /= np.sqrt(2)
    blocks = []
    for c, (hs, vs) in enumerate(sampling):
        p = full[:, :, c]
        p = p.reshape(my * 8 * vs, vmax // vs, mx * 8 * hs, hmax // hs).mean((1, 3)) - 128
        b = p.reshape(my * vs, 8, mx * hs, 8).transpose(0, 2, 1, 3)
        b = np.rint(dct @ b @ dct.T / q).astype(int).reshape(my * vs, mx * hs, 64)
        blocks.append(b[:, :, ZIGZAG])
    out = b"\xff\xd8" + marker + b"\xff\xdb" + struct.pack(">HB", 67, 0) + bytes([q] * 64)
    frame = b"".join(bytes([ids[c], hs << 4 | vs, 0]) for c, (hs, vs) in enumerate(sampling))
    out += b"\xff\xc0" + struct.pack(">HBHHB", 8 + len(frame), 8, h, w, len(sampling)) + frame
    if tables:
        for t in TABLES.values():
            out += b"\xff\xc4" + struct.pack(">H", 2 + len(t)) + t
    kinds = [(codes(TABLES[min(c, 1)]), codes(TABLES[16 + min(c, 1)])) for c in range(len(sampling))]
    scans = [[c] for c in range(len(sampling))] if separate else [list(range(len(sampling)))]
    for scan in scans:
        bits, last = Bits(), [0] * len(sampling)
        if len(scan) == 1:
            (c,) = scan
            hs, vs = sampling[c]
            bw, bh = -(-(-(-w * hs // hmax)) // 8), -(-(-(-h * vs // vmax)) // 8)
            order = [(c, y, x) for y in range(bh) for x in range(bw)]
        else:
            order = [
                (c, y * sampling[c][1] + v, x * sampling[c][0] + u)
                for y in range(my) for x in range(mx) for c in scan
                for v in range(sampling[c][1]) for u in range(sampling[c][0])
            ]  # fmt: skip
        for c, y, x in order:
            last[c] = put_block(bits, blocks[c][y, x], last[c], *kinds[c])
        head = b"".join(bytes([ids[c], min(c, 1) * 0x11]) for c in scan)
        out += b"\xff\xda" + struct.pack(">HB", 6 + len(head), len(scan)) + head + b"\x00\x3f\x00" + bits.bytes()
    return out + (b"\xff\xd9" if end else b"")


def jpegs():
    s420 = [(2, 2), (1, 1), (1, 1)]
    for name, sampling in {
        "chroma_high": [(1, 1), (2, 2), (2, 2)],
        "chroma_mixed": [(2, 2), (1, 2), (1, 2)],
        "chroma_unlike": [(2, 2), (2, 1), (1, 1)],
        "411": [(4, 1), (1, 1), (1, 1)],
        "410": [(4, 2), (1, 1), (1, 1)],
        "440": [(1, 2), (1, 1), (1, 1)],
        "tall": [(1, 4), (1, 1), (1, 1)],
        "luma_low": [(1, 1), (1, 1), (2, 1)],
    }.items():
        yield f"{name}.jpg", jpeg(sampling)
    yield "separate.jpg", jpeg(s420, separate=True)
    yield "motion.jpg", jpeg(s420, tables=False)
    yield "no_end.jpg", jpeg(s420, end=False)
    yield "ids012.jpg", jpeg(s420, ids=(0, 1, 2))
    yield "rgb_ids.jpg", jpeg([(1, 1)] * 3, ids=(82, 71, 66))
    yield "jfif_and_adobe.jpg", jpeg(
        s420, marker=b"\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0" + b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0\0"
    )
    plain = saved(IMAGE, "JPEG", quality=85)
    yield "behind_the_end.jpg", plain + b"surplus \xff\xd8 bytes"
    at = plain.index(b"\xff\xdb")
    yield "between_segments.jpg", plain[:at] + b"stray" + b"\xff\xff" + plain[at:]
    yield "progressive_no_end.jpg", saved(IMAGE, "JPEG", quality=85, progressive=True)[:-2]
    for size in ((1, 1), (17, 9), (65, 33)):
        small = Image.fromarray(picture(*size, 7))
        for name, subsampling in (("420", 2), ("444", 0)):
            yield f"progressive{size[0]}x{size[1]}_{name}.jpg", saved(small, "JPEG", quality=92, progressive=True, subsampling=subsampling)
    yield "progressive_grey.jpg", saved(IMAGE.convert("L"), "JPEG", progressive=True)
    yield "progressive_cmyk.jpg", saved(IMAGE.convert("CMYK"), "JPEG", progressive=True)
    yield "progressive_restart.jpg", saved(IMAGE, "JPEG", progressive=True, restart_marker_blocks=3)


# --- GIF -----------------------------------------------------------------------


def gif(screen=(W, H), frame=(0, 0, W, H), interlace=False, palette="global", tail=b"\0;", transparent=None, before=b"", surplus=b""):
    x, y, w, h = frame
    pal = IMAGE.quantize(16)
    indices = np.resize(np.asarray(pal), (h, w)) if (h, w) != (H, W) else np.asarray(pal)
    table = bytes(pal.getpalette()[:48])
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x83 if palette == "global" else 0, 0, 0)
    out += table if palette == "global" else b""
    out += before
    if transparent is not None:
        out += b"!\xf9\x04\x01\0\0" + bytes([transparent]) + b"\0"
    flags = (0x40 if interlace else 0) | (0x83 if palette == "local" else 0)
    out += b"," + struct.pack("<HHHHB", x, y, w, h, flags) + (table if palette == "local" else b"")
    order = range(h)
    if interlace:
        order = [*range(0, h, 8), *range(4, h, 8), *range(2, h, 4), *range(1, h, 2)]
    bits = []
    for n, v in enumerate(i for y in order for i in indices[y]):  # cleared before codes grow
        if n % 14 == 0:
            bits.append(16)
        bits.append(int(v))
    bits.append(17)
    value = sum(b << (5 * i) for i, b in enumerate(bits))
    data = value.to_bytes(-(-5 * len(bits) // 8), "little") + surplus
    blocks = b"".join(bytes([len(data[i : i + 255])]) + data[i : i + 255] for i in range(0, len(data), 255))
    return out + b"\x04" + blocks + tail


def gifs():
    yield "frame_larger.gif", gif(screen=(20, 11))
    yield "no_screen.gif", gif(screen=(0, 0))
    yield "interlaced.gif", gif(interlace=True)
    yield "local.gif", gif(palette="local", transparent=2)
    yield "no_palette.gif", gif(palette=None)
    yield "no_terminator.gif", gif(tail=b";")
    yield "no_trailer.gif", gif(tail=b"\0")
    yield "surplus.gif", gif(surplus=b"surplus" * 9)
    yield "stray.gif", gif(before=b"\0\0")
    yield "comment.gif", gif(before=b"!\xfe\x05hello\0")


# --- PNG -----------------------------------------------------------------------


def chunk(kind, body, crc=None):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) if crc is None else crc)


def png(array, colour, depth=8, interlace=False, extra=(), end=None):
    """array: [h, w, channels] of numbers of depth bits."""
    h, w, n = array.shape

    def rows(a):
        out = b""
        for row in a:
            if depth == 16:
                out += b"\0" + row.astype(">u2").tobytes()
            elif depth == 8:
                out += b"\0" + row.astype(np.uint8).tobytes()
            else:
                bits = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - depth :]
                out += b"\0" + np.packbits(bits.ravel()).tobytes()
        return out

    raw = rows(array)
    if interlace:
        passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
        raw = b"".join(rows(array[y::dy, x::dx]) for x, y, dx, dy in passes if array[y::dy, x::dx].size)
    header = struct.pack(">IIBBBBB", w, h, depth, colour, 0, 0, int(interlace))
    data = zlib.compress(raw)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(extra)
    out += chunk(b"IDAT", data[:100]) + chunk(b"IDAT", data[100:])
    return out + (chunk(b"IEND", b"") if end is None else end)


def pngs():
    alpha = np.add.outer(np.arange(H) * 9, np.arange(W) * 5) % 256
    palette = IMAGE.quantize(4)
    plte = chunk(b"PLTE", bytes(palette.getpalette()[:12]))
    indices = np.asarray(palette)[:, :, None]
    for name, kwargs in {
        "interlaced_rgb": dict(array=RGB, colour=2),
        "interlaced_rgba": dict(array=np.dstack([RGB, alpha]), colour=6),
        "interlaced_grey": dict(array=RGB[:, :, :1], colour=0),
        "interlaced_palette": dict(array=indices, colour=3, depth=2, extra=[plte]),
        "interlaced_1x1": dict(array=RGB[:1, :1], colour=2),
        "interlaced_3x2": dict(array=RGB[:2, :3], colour=2),
    }.items():
        yield f"{name}.png", png(interlace=True, **kwargs)
    yield "no_end.png", png(RGB, 2, end=b"")
    yield "end_checksum.png", png(RGB, 2, end=chunk(b"IEND", b"", 1))
    yield "text_checksum.png", png(RGB, 2, extra=[chunk(b"tEXt", b"a\0b", 1)])
    yield "behind_the_end.png", png(RGB, 2) + b"surplus"


# --- BMP -----------------------------------------------------------------------


def bmp(depth, rows, packing=0, masks=b"", table=b"", size=40, h=H):
    pixels = b"".join(rows)
    if size == 12:
        header = struct.pack("<IHHHH", 12, W, h, 1, depth)
    else:
        header = struct.pack("<IiiHHIIiiII", size, W, h, 1, depth, packing, len(pixels), 2835, 2835, 0, 0)
        header += masks if size > 40 else b""
        header += b"\0" * (size - len(header))
    if size == 40:
        header += masks
    at = 14 + len(header) + len(table)
    return b"BM" + struct.pack("<IHHI", at + len(pixels), 0, 0, at) + header + table + pixels


def bmps():
    pad = lambda b: b + b"\0" * (-len(b) % 4)
    up = range(H - 1, -1, -1)
    r, g, b = (RGB[:, :, c].astype(int) for c in range(3))
    palette = IMAGE.quantize(16)
    colours = np.array(palette.getpalette()[:48]).reshape(16, 3)
    table = b"".join(bytes([c[2], c[1], c[0], 0]) for c in colours)
    core = b"".join(bytes([c[2], c[1], c[0]]) for c in colours)
    ix = np.asarray(palette)
    nibbles = [pad(bytes(int(a) << 4 | int(c) for a, c in zip(row[::2], list(row[1::2]) + [0]))) for row in ix]
    v555, v565 = r >> 3 << 10 | g >> 3 << 5 | b >> 3, r >> 3 << 11 | g >> 2 << 5 | b >> 3
    yield "555.bmp", bmp(16, [pad(v555[y].astype("<u2").tobytes()) for y in up])
    yield "565.bmp", bmp(16, [pad(v565[y].astype("<u2").tobytes()) for y in up], 3, struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    rows32 = [np.dstack([b, g, r, r * 0])[0 + y].astype(np.uint8).tobytes() for y in up]
    yield "32.bmp", bmp(32, rows32)
    yield "32_masks.bmp", bmp(32, rows32, 3, struct.pack("<III", 0xFF0000, 0xFF00, 0xFF))
    yield "4.bmp", bmp(4, [nibbles[y] for y in up], table=table)
    yield "os2.bmp", bmp(4, [nibbles[y] for y in up], table=core, size=12)
    yield "top_down.bmp", bmp(4, nibbles, table=table, h=-H)

    def rle8(row):
        out, x = b"", 0
        while x < W:
            n = 1
            while x + n < W and row[x + n] == row[x]:
                n += 1
            if n == 1 and x + 5 <= W:
                out += b"\0\5" + bytes(int(v) for v in row[x : x + 5]) + b"\0"
                x += 5
            else:
                out += bytes([n, int(row[x])])
                x += n
        return out + b"\0\0"

    yield "rle8.bmp", bmp(8, [rle8(ix[y]) for y in up] + [b"\0\1"], 1, table=table + b"\0" * (256 - 16) * 4)
    rle4 = [b"".join(bytes([1, int(v) << 4]) for v in ix[y, :-5]) + b"\0\5" + bytes([int(ix[y, -5]) << 4 | int(ix[y, -4]), int(ix[y, -3]) << 4 | int(ix[y, -2]), int(ix[y, -1]) << 4, 0]) + b"\0\0" for y in up]
    yield "rle4.bmp", bmp(4, rle4 + [b"\0\1"], 2, table=table)


# --- TIFF ----------------------------------------------------------------------


def tiff(tags, parts, order="<", shuffled=False):
    """tags: {tag: (type, values)}; parts: the strips or tiles, whose places are tag 273 or 324."""
    places, counts = (324, 325) if 322 in tags else (273, 279)
    size = {1: 1, 2: 1, 3: 2, 4: 4}
    tags = dict(tags)
    at = 8
    tags[counts] = (4, [len(p) for p in parts])
    starts = [at + sum(len(p) for p in parts[:i]) for i in range(len(parts))]
    tags[places] = (4, starts)
    body = b"".join(parts)
    end = at + len(body)
    extra, entries = b"", []
    base = end + 2 + 12 * len(tags) + 4
    for tag in sorted(tags, reverse=shuffled):
        kind, values = tags[tag]
        raw = b"".join(struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind], v) for v in values)
        if len(raw) > 4:
            value = struct.pack(order + "I", base + len(extra))
            extra += raw
        else:
            value = raw.ljust(4, b"\0")
        entries.append(struct.pack(order + "HHI", tag, kind, len(values)) + value)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", end)
    return head + body + struct.pack(order + "H", len(tags)) + b"".join(entries) + b"\0" * 4 + extra


def tiffs():
    base = {256: (3, [W]), 257: (3, [H]), 258: (3, [8, 8, 8]), 259: (3, [1]), 262: (3, [2]), 277: (3, [3])}
    planes = [RGB[:, :, c].tobytes() for c in range(3)]
    yield "planar.tiff", tiff({**base, 284: (3, [2]), 278: (3, [H])}, planes)
    halves = [RGB[a:b, :, c].tobytes() for c in range(3) for a, b in ((0, 16), (16, H))]
    yield "planar_strips.tiff", tiff({**base, 284: (3, [2]), 278: (3, [16]), 259: (3, [8])}, [zlib.compress(p) for p in halves])
    yield "big_endian.tiff", tiff({**base, 278: (3, [H])}, [RGB.tobytes()], order=">")
    padded = np.pad(RGB, ((0, 32 - H), (0, 48 - W), (0, 0)))
    tiles = [padded[y : y + 16, x : x + 16].tobytes() for y in (0, 16) for x in (0, 16, 32)]
    yield "tiled.tiff", tiff({**base, 322: (3, [16]), 323: (3, [16])}, tiles)
    yield "shuffled.tiff", tiff({**base, 278: (3, [H])}, [RGB.tobytes()], shuffled=True)
    for compression in ("jpeg", "tiff_lzw", "tiff_adobe_deflate"):
        yield f"predictor_{compression}.tiff", saved(IMAGE, "TIFF", compression=compression, tiffinfo={} if compression == "jpeg" else {317: 2})
    yield "jpeg_grey.tiff", saved(IMAGE.convert("L"), "TIFF", compression="jpeg")
    yield "cmyk.tiff", saved(IMAGE.convert("CMYK"), "TIFF")
    yield "palette.tiff", saved(IMAGE.quantize(20), "TIFF")
    yield "bits1.tiff", saved(IMAGE.convert("1"), "TIFF")


# --- WebP ----------------------------------------------------------------------


def webps():
    frames = [Image.fromarray(np.dstack([RGB, np.full((H, W), 255, np.uint8)])), Image.fromarray(255 - RGB)]
    yield "animated.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    yield "animated_lossy.webp", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], quality=80)
    still = saved(IMAGE, "WEBP", lossless=True)
    yield "behind_the_end.webp", still + b"surplus"
    yield "wrong_size.webp", still[:4] + struct.pack("<I", len(still) + 1000) + still[8:]


# --- orientation ---------------------------------------------------------------


def exif(value, order="<", kind=3, directory=0, name=b""):
    pack = {3: "H", 4: "I", 1: "B", 9: "i"}[kind]
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + struct.pack(order + pack, value).ljust(4, b"\0")
    head = b"II*\0" if order == "<" else b"MM\0*"
    if directory == 0:
        return name + head + struct.pack(order + "I", 8) + struct.pack(order + "H", 1) + entry + b"\0" * 4
    link = struct.pack(order + "HHII", 0x8769, 4, 1, 26)
    return name + head + struct.pack(order + "I", 8) + struct.pack(order + "H", 1) + link + b"\0" * 4 + struct.pack(order + "H", 1) + entry + b"\0" * 4


def xmp(attribute):
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:t="http://ns.adobe.com/tiff/1.0/" {attribute}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def oriented():
    """Files that all mean 6, with what they are without: to be turned by hand."""
    plain = saved(IMAGE, "JPEG", quality=92, subsampling=0)

    def app1(body):
        return plain[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(body)) + body + plain[2:]

    name = b"Exif\0\0"
    for label, block in {
        "short": exif(6), "long": exif(6, kind=4), "byte": exif(6, kind=1), "signed": exif(6, kind=9),
        "big": exif(6, order=">"), "long_big": exif(6, order=">", kind=4), "exif_directory": exif(6, directory=1),
        "cut": exif(6)[:-4],
    }.items():  # fmt: skip
        yield f"orientation_{label}.jpg", app1(name + block), plain
    ns = b"http://ns.adobe.com/xap/1.0/\0"
    yield "orientation_xmp.jpg", app1(ns + xmp('tiff:Orientation="6">')), plain
    yield "orientation_xmp_element.jpg", app1(ns + xmp("><tiff:Orientation> 6 </tiff:Orientation>")), plain
    yield "orientation_xmp_prefix.jpg", app1(ns + xmp("t:Orientation='6'>")), plain
    without = png(RGB, 2)
    text = lambda body: b"\nexif\n%8d\n" % len(body) + b"\n".join(body.hex().encode()[i : i + 72] for i in range(0, 2 * len(body), 72)) + b"\n"
    for label, extra in {
        "exif": chunk(b"eXIf", exif(6)),
        "exif_named": chunk(b"eXIf", name + exif(6)),
        "raw_profile": chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text(name + exif(6)))),
        "raw_profile_plain": chunk(b"tEXt", b"Raw profile type exif\0" + text(name + exif(6))),
        "raw_profile_app1": chunk(b"zTXt", b"Raw profile type APP1\0\0" + zlib.compress(text(name + exif(6)))),
        "xmp": chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp('tiff:Orientation="6">')),
        "xmp_packed": chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp('tiff:Orientation="6">'))),
    }.items():
        yield f"orientation_{label}.png", png(RGB, 2, extra=[extra]), without
        behind = without[:-12] + extra + without[-12:]
        yield f"orientation_{label}_behind.png", behind, without
    still = saved(IMAGE, "WEBP", lossless=True)

    def webp(kind, body):
        parts = b"VP8X" + struct.pack("<I", 10) + bytes([0x0C, 0, 0, 0, W - 1, 0, 0, H - 1, 0, 0]) + still[12:]
        parts += kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
        return b"RIFF" + struct.pack("<I", 4 + len(parts)) + b"WEBP" + parts

    yield "orientation_exif.webp", webp(b"EXIF", exif(6)), still
    yield "orientation_named.webp", webp(b"EXIF", name + exif(6)), still
    yield "orientation_xmp.webp", webp(b"XMP ", xmp('tiff:Orientation="6">')), still
    base = {256: (3, [W]), 257: (3, [H]), 258: (3, [8, 8, 8]), 259: (3, [1]), 262: (3, [2]), 277: (3, [3]), 278: (3, [H])}
    flat = tiff(base, [RGB.tobytes()])
    yield "orientation_long.tiff", tiff({**base, 274: (4, [6])}, [RGB.tobytes()]), flat
    yield "orientation_xmp.tiff", tiff({**base, 700: (1, list(xmp('tiff:Orientation="6">')))}, [RGB.tobytes()]), flat


def on_white(image, turned=False):
    image = image.transpose(Image.Transpose.ROTATE_270) if turned else ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def avifs():
    """AVIF, with what another build of the codec may differ by."""
    hard = Image.fromarray(picture(64, 48, 5))
    # Builds of libavif bring chroma to full resolution in different ways.
    y, x = np.mgrid[0:48, 0:64]
    small = Image.fromarray(np.stack([60 + 2 * x, 200 - 3 * y, 90 + x + y], -1).astype(np.uint8))
    yield "plain.avif", saved(small, "AVIF", quality=90), 5
    yield "444.avif", saved(hard, "AVIF", quality=90, subsampling="4:4:4"), 2
    alpha = np.add.outer(np.arange(48) * 3, np.arange(64) * 2).astype(np.uint8)
    yield "alpha.avif", saved(Image.fromarray(np.dstack([np.asarray(small), alpha])), "AVIF", quality=90), 5
    frames = [small, Image.fromarray(255 - np.asarray(small))]
    yield "sequence.avif", saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], quality=90), 5
    for value in range(2, 9):
        tag = Image.Exif()
        tag[0x0112] = value
        yield f"turned{value}.avif", saved(small, "AVIF", quality=90, exif=tag.tobytes()), 5


def shrunk():
    """JPEG files with the division of their sides, which libjpeg does by its DCT."""
    small = picture(131, 77, 3)
    for name, sampling in {"444": [(1, 1)] * 3, "422": [(2, 1), (1, 1), (1, 1)], "420": [(2, 2), (1, 1), (1, 1)], "411": [(4, 1), (1, 1), (1, 1)]}.items():
        for by in (2, 4, 8):
            yield f"shrunk{by}_{name}.jpg", jpeg(sampling, rgb=small), by
    for by in (2, 4):
        yield f"shrunk{by}_progressive.jpg", saved(Image.fromarray(small), "JPEG", quality=85, progressive=True), by
        yield f"shrunk{by}_grey.jpg", saved(Image.fromarray(small).convert("L"), "JPEG", quality=85), by


def main():
    folder = OUT / "odd"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    cases, data = [], io.BytesIO()

    def case(name, content, rgb, tolerance=0, shrink=1):
        (folder / name).write_bytes(content)
        cases.append(dict(name=name, w=rgb.shape[1], h=rgb.shape[0], tolerance=tolerance, shrink=shrink))
        data.write(rgb.tobytes())

    for x, y, w, h, screen in ((10, 8, 47, 37, (30, 20)), (5, 6, 50, 40, (50, 40))):
        # Browsers leave the screen transparent around the frame; Pillow fills it.
        rgb = np.full((h, w, 3), 255, np.uint8)
        rgb[y : y + H, x : x + W] = on_white(Image.open(io.BytesIO(gif())))
        case(f"frame_at_{x}_{y}.gif", gif(screen=screen, frame=(x, y, W, H)), rgb)
    for make in (jpegs, gifs, pngs, bmps, tiffs, webps):
        for name, content in make():
            # Lossy WebP is golang.org/x/image's; opacities are rounded differently.
            tolerance = 3 if name == "animated_lossy.webp" else 1 if "rgba" in name else 0
            readable = content
            if name == "wrong_size.webp":  # of libwebp's readers only some mind
                readable = content[:4] + struct.pack("<I", len(content) - 8) + content[8:]
            case(name, content, on_white(Image.open(io.BytesIO(readable))), tolerance)
    for name, content, plain in oriented():
        case(name, content, on_white(Image.open(io.BytesIO(plain)), turned=True))
    for name, content, tolerance in avifs():
        case(name, content, on_white(Image.open(io.BytesIO(content))), tolerance)
    for name, content, by in shrunk():
        image = Image.open(io.BytesIO(content))
        w, h = image.size
        image.draft(None, (w // by, h // by))
        assert image.size == (-(-w // by), -(-h // by)), image.size
        case(name, content, on_white(image), shrink=by)
    (OUT / "odd.json").write_text(json.dumps(dict(versions=f"Pillow {PIL.__version__}", cases=cases), indent=1) + "\n")
    (OUT / "odd.bin.gz").write_bytes(gzip.compress(data.getvalue(), mtime=0))
    print(f"{OUT / 'odd.json'}: {len(cases)} cases, {data.tell()} bytes")


if __name__ == "__main__":
    main()
