"""Writes the golden files of data/parquet and data/laion with NumPy and PyArrow.

Run from the repository's root:

    python scripts/golden_laion.py

Made with numpy 2.4.6 and pyarrow 26.0.1. It writes

    data/parquet/testdata/golden.json   tables of all types, in several encodings
    data/parquet/testdata/vectors.json  tables with columns of vectors
    data/laion/testdata/golden.json     folders in clip-retrieval's layout

A case holds the files (base64) and what a reader must find in them. Values are
tagged with their type: s(tring), b(ool), i(nt64), f(loat64, hexadecimal),
l(ist of strings), or null. The expectation is made from the Python values, not
by reading the files again.
"""

import base64
import datetime as dt
import decimal
import io
import json
import math
import pathlib
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
UTC = dt.timezone.utc


def write_json(path, cases):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(c, ensure_ascii=True) for c in cases)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{path.relative_to(DATA.parent)}: {len(cases)} cases, {path.stat().st_size} bytes")


def encoded(table, **options):
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return base64.b64encode(buffer.getvalue()).decode()


def tag(value):
    """The payload value for a Python value."""
    if value is None:
        return None
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"f": value.hex()} if math.isfinite(value) else None
    if isinstance(value, list):
        return {"l": [v for v in value if v is not None]}
    return {"s": value}


def moment(year, month, day, hour, minute, second, fraction=""):
    """A moment as text in RFC 3339, written down here and not formatted."""
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}{fraction}Z"


def columns(n):
    """Name -> (arrow array, expected payload values) for n rows of every type."""
    rng = np.random.default_rng(n)
    out = {}

    def column(name, typ, values, expected=None, null_every=0):
        expected = values if expected is None else expected
        keep = [null_every == 0 or i % null_every != 1 for i in range(n)]
        values = [v if k else None for v, k in zip(values, keep)]
        expected = [v if k else None for v, k in zip(expected, keep)]
        out[name] = (pa.array(values, typ), [tag(v) for v in expected])

    words = ["zebra", "", "grün", "日本", "a\u0000b", "line\nbreak", "\U0001f993"]
    texts = [f"{words[i % 7]} {i}" if i % 5 else words[i % 7] for i in range(n)]
    column("caption", pa.string(), texts, null_every=6)
    column("url", pa.large_string(), [f"https://example.com/{i}.jpg" for i in range(n)])
    column("NSFW", pa.dictionary(pa.int8(), pa.string()), [["UNLIKELY", "UNSURE", "NSFW"][i % 3] for i in range(n)], null_every=4)
    column("watermark", pa.bool_(), [i % 3 == 0 for i in range(n)])
    column("seen", pa.bool_(), [i % 5 < 2 for i in range(n)], null_every=3)
    for bits in (8, 16, 32, 64):
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        column(f"int{bits}", getattr(pa, f"int{bits}")(), [[low, high, i, -i][i % 4] for i in range(n)], null_every=7)
        top = 2**bits - 1
        values = [[0, top, i, top // 2][i % 4] for i in range(n)]
        expected = [str(v) if v >= 2**63 else v for v in values]
        column(f"uint{bits}", getattr(pa, f"uint{bits}")(), values, expected)
    for bits, dtype in ((16, np.float16), (32, np.float32), (64, np.float64)):
        values = rng.standard_normal(n).astype(dtype)
        values[:5] = [np.finfo(dtype).max, np.finfo(dtype).smallest_subnormal, -0.0, np.inf, np.nan]
        column(f"float{bits}", getattr(pa, f"float{bits}")(), list(values), [float(v) for v in values])
    column("similarity", pa.float64(), [float(v) for v in rng.random(n)], null_every=5)
    cents = [(-1) ** i * i * 1234567 for i in range(n)]
    column("price", pa.decimal128(12, 2), [decimal.Decimal(c) / 100 for c in cents], [float(decimal.Decimal(c) / 100) for c in cents])
    huge = [(-1) ** i * (10**30 + i) for i in range(n)]
    with decimal.localcontext(prec=60):
        column("huge", pa.decimal256(50, 10), [decimal.Decimal(h) / 10**10 for h in huge],
               [float(decimal.Decimal(h) / 10**10) for h in huge])
    when = dt.datetime(1969, 12, 31, 23, 59, 58)
    steps = [when + dt.timedelta(seconds=i) for i in range(n)]
    spelled = [moment(*s.timetuple()[:6]) for s in steps]
    column("at_s", pa.timestamp("s"), steps, spelled)  # stored in milliseconds
    column("at_ms", pa.timestamp("ms", tz="UTC"), steps, spelled, null_every=5)
    column("at_us", pa.timestamp("us", tz="Europe/Berlin"), [s.replace(tzinfo=UTC, microsecond=250) for s in steps],
           [s.replace("Z", ".00025Z") for s in spelled])
    nanoseconds = [int(s.replace(tzinfo=UTC).timestamp()) * 10**9 + 1 for s in steps]
    column("at_ns", pa.timestamp("ns"), nanoseconds, [s.replace("Z", ".000000001Z") for s in spelled])
    days = [dt.date(1970, 1, 1) + dt.timedelta(days=400 * (i - 3)) for i in range(n)]
    column("day", pa.date32(), days, [d.isoformat() for d in days])
    column("time_ms", pa.time32("ms"), [dt.time(i % 24, 30, i % 60) for i in range(n)], [f"{i % 24:02d}:30:{i % 60:02d}" for i in range(n)])
    column("time_us", pa.time64("us"), [dt.time(23, 59, 59, 1000 * (i + 1)) for i in range(n)],
           [("23:59:59." + f"{i + 1:03d}").rstrip("0") for i in range(n)])
    hashes = [bytes([i % 256, 255, 0, 16]) for i in range(n)]
    column("hash", pa.binary(4), hashes, [h.hex() for h in hashes], null_every=3)
    lists = [[], ["a"], ["b", "", "日本"], ["x"] * 9]
    column("tags", pa.list_(pa.string()), [lists[i % 4] for i in range(n)], null_every=5)
    column("holes", pa.list_(pa.string()), [["a", None, "b"][: i % 4] for i in range(n)])
    column("required", pa.list_(pa.field("element", pa.string(), nullable=False)), [lists[(i + 1) % 4] for i in range(n)])
    column("nothing", pa.null(), [None] * n)
    exif = [{"camera": f"c{i}", "iso": i} if i % 4 else None for i in range(n)]
    out["exif"] = (pa.array(exif, pa.struct([("camera", pa.string()), ("iso", pa.int32())])), None)
    out["exif.camera"] = (None, [tag(e and e["camera"]) for e in exif])
    out["exif.iso"] = (None, [tag(e and e["iso"]) for e in exif])
    # These have no place in a payload.
    out["jpg"] = (pa.array([b"\xff\xd8"] * n), None)
    out["boxes"] = (pa.array([[1.0, 2.0]] * n, pa.list_(pa.float32())), None)
    out["nested"] = (pa.array([[["a"]]] * n), None)
    out["attributes"] = (pa.array([[("k", "v")]] * n, pa.map_(pa.string(), pa.string())), None)
    out["faces"] = (pa.array([[{"x": 1, "y": 2}]] * n), None)
    return out


def tables():
    encodings = [
        ("as pyarrow does by default", 20, {}),
        ("small pages, version 1", 40, dict(data_page_size=64, write_batch_size=7, row_group_size=25, compression="zstd")),
        ("small pages, version 2", 40, dict(data_page_size=64, write_batch_size=7, row_group_size=25, compression="gzip",
                                            data_page_version="2.0")),
        ("no dictionaries", 25, dict(use_dictionary=False, compression="none", data_page_version="2.0")),
        ("dictionaries that overflow", 40, dict(dictionary_pagesize_limit=64, data_page_size=128, write_batch_size=5,
                                               compression="brotli")),
        ("old timestamps", 12, dict(use_deprecated_int96_timestamps=True, compression="lz4")),
        ("page index and checksums", 20, dict(write_page_index=True, write_page_checksum=True, data_page_size=64, write_batch_size=8)),
        ("no rows", 0, {}),
    ]
    for name, n, options in encodings:
        made = columns(max(n, 5))
        names = [k for k, (array, _) in made.items() if array is not None]
        table = pa.table({k: made[k][0] for k in names}).slice(0, n)
        expected = {k: v[:n] for k, (_, v) in made.items() if v is not None}
        yield {"name": name, "rows": n, "columns": expected, "file": encoded(table, **options)}
    texts = [f"{'delta' * (i % 3)} {i * i}" for i in range(50)]
    numbers = [i * i * (-1) ** i for i in range(50)]
    floats = [i / 7 for i in range(50)]
    table = pa.table({"text": texts, "prefix": texts, "number": numbers, "float": floats})
    yield {
        "name": "other encodings", "rows": 50,
        "columns": {"text": [tag(t) for t in texts], "prefix": [tag(t) for t in texts],
                    "number": [tag(x) for x in numbers], "float": [tag(x) for x in floats]},
        "file": encoded(table, use_dictionary=False, column_encoding={
            "text": "DELTA_LENGTH_BYTE_ARRAY", "prefix": "DELTA_BYTE_ARRAY", "number": "DELTA_BINARY_PACKED",
            "float": "BYTE_STREAM_SPLIT"}),
    }


def hexes(vectors):
    """Rows of hexadecimal floats; null for a row without a usable vector."""
    return [None if v is None else [float(x).hex() for x in v] for v in vectors]


def vector_tables():
    rng = np.random.default_rng(1)
    n, dim = 24, 5
    exact = rng.standard_normal((n, dim)).astype(np.float16)
    rows = [list(map(float, v)) for v in exact]
    paged = dict(data_page_size=256, write_batch_size=7, row_group_size=13)
    types = {
        "list of float32": (pa.list_(pa.float32()), {}),
        "list of float64, no dictionary": (pa.list_(pa.float64()), dict(use_dictionary=False)),
        "list of float16": (pa.list_(pa.float16()), {}),
        "large list of float32": (pa.large_list(pa.float32()), {}),
        "fixed size list of float32": (pa.list_(pa.float32(), dim), {}),
        "fixed size list of float16, no dictionary": (pa.list_(pa.float16(), dim), dict(use_dictionary=False)),
        "required elements": (pa.list_(pa.field("element", pa.float32(), nullable=False)), {}),
    }
    for name, (typ, options) in types.items():
        for pages, version in ((paged, "1.0"), (paged, "2.0"), ({}, "1.0")):
            values = [np.array(r, np.float16) for r in rows] if "float16" in name else rows
            table = pa.table({"embedding": pa.array(values, typ), "caption": [f"row {i}" for i in range(n)]})
            yield {"name": f"{name}, pages {version}, {'small' if pages else 'large'}", "column": "", "half": False, "dim": dim,
                   "vectors": hexes(rows), "file": encoded(table, data_page_version=version, **pages, **options)}
    for half, dtype in ((False, "<f4"), (True, "<f2")):
        raw = [exact[i].astype(dtype).tobytes() for i in range(n)]
        for name, typ in (("bytes", pa.binary()), ("fixed bytes", pa.binary(len(raw[0])))):
            for options in ({}, dict(use_dictionary=False)):
                table = pa.table({"id": list(range(n)), "vec": pa.array(raw, typ)})
                yield {"name": f"{name} {dtype} {options}", "column": "vec", "half": half, "dim": dim,
                       "vectors": hexes(rows), "file": encoded(table, **paged, **options)}
    # Rows that cannot be used: null, empty, short, long, a null element.
    broken = [None, rows[1], [], rows[3][:2], rows[4] + [1.0], [0.5, None, 1.0, 2.0, 3.0], rows[6], None]
    good = [v if i in (1, 6) else None for i, v in enumerate(broken)]
    for options in (dict(data_page_size=16, write_batch_size=1), {}):
        table = pa.table({"vector": pa.array(broken, pa.list_(pa.float32()))})
        yield {"name": f"unusable rows {options}", "column": "", "half": False, "dim": dim, "vectors": hexes(good),
               "file": encoded(table, **options)}
    raw = [None, b"", np.array(rows[2], "<f4").tobytes(), b"12345", np.array(rows[4][:3], "<f4").tobytes()]
    yield {"name": "unusable bytes", "column": "v", "half": False, "dim": dim, "vectors": hexes([None, None, rows[2], None, None]),
           "file": encoded(pa.table({"v": pa.array(raw, pa.binary())}))}


def unit(rng, n, dim):
    v = rng.standard_normal((n, dim))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


def folder(name, lengths, dim, dtype, digits, flat=False, **options):
    """A folder as clip-retrieval writes it: image and text embeddings, metadata."""
    rng = np.random.default_rng(dim)
    files, shards, start = {}, [], 0
    with tempfile.TemporaryDirectory() as tmp:
        tmp = pathlib.Path(tmp)
        for number, n in lengths.items():
            image, text = unit(rng, n, dim).astype(dtype), unit(rng, n, dim).astype(dtype)
            metadata = {
                "image_path": [f"{start + i:09d}" for i in range(n)],
                "caption": [f"a photo, number {start + i}" for i in range(n)],
                "NSFW": ["UNLIKELY" if i % 3 else "UNSURE" for i in range(n)],
                "punsafe": [float(x) for x in rng.random(n)],
                "width": [int(x) for x in rng.integers(1, 4000, n)],
            }
            label = f"{number:0{digits}d}"
            for kind, array in (("img_emb", image), ("text_emb", text)):
                path = tmp / ("" if flat else kind) / f"{kind}_{label}.npy"
                path.parent.mkdir(exist_ok=True)
                np.save(path, array)
            path = tmp / ("" if flat else "metadata") / f"metadata_{label}.parquet"
            path.parent.mkdir(exist_ok=True)
            schema = pa.schema([("image_path", pa.string()), ("caption", pa.string()), ("NSFW", pa.string()),
                                ("punsafe", pa.float64()), ("width", pa.int64())])
            pq.write_table(pa.table(metadata, schema), path, **options)
            shards.append({"number": number, "image": hexes(image), "text": hexes(text),
                           "payloads": {k: [tag(v) for v in values] for k, values in metadata.items()}})
            start += n
        for path in sorted(tmp.rglob("*.*")):
            files[str(path.relative_to(tmp))] = base64.b64encode(path.read_bytes()).decode()
    return {"name": name, "dtype": np.dtype(dtype).name, "dim": dim, "digits": digits, "shards": shards, "files": files}


def main():
    write_json(DATA / "parquet/testdata/golden.json", list(tables()))
    write_json(DATA / "parquet/testdata/vectors.json", list(vector_tables()))
    write_json(DATA / "laion/testdata/golden.json", [
        folder("clip-retrieval, float16, padded", {0: 7, 1: 7, 10: 3}, 6, np.float16, 2),
        folder("flat, float32, not padded", {2: 4, 10: 5, 9: 1}, 33, np.float32, 1, flat=True, row_group_size=2),
        folder("float64, big-endian", {0: 3}, 4, ">f8", 1),
        folder("an empty shard between", {0: 2, 1: 0, 2: 2}, 3, np.float16, 1),
    ])


if __name__ == "__main__":
    main()
