"""Writes the golden tars of data/webdataset, with what Python finds in them.

Shards are made by img2dataset, which downloads a few pictures from a server
that this script runs, by webdataset's TarWriter, and by tarfile for names and
entries that the others do not write. All are read by webdataset; what their
json files say is flattened here by the rules of Sample.Metadata. Run from the
repository's root:

    python scripts/golden_webdataset.py

Made with img2dataset 1.47.0, webdataset 0.2.111 and zstandard 0.25.0; the times
in img2dataset's files differ from run to run. It writes
data/webdataset/testdata/golden.json, tars compressed to keep it small.
"""

import base64
import functools
import gzip
import http.server
import io
import json
import pathlib
import tarfile
import tempfile
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset
import zstandard
from PIL import Image
from webdataset.tariterators import group_by_keys, tar_file_iterator

ROOT = pathlib.Path(__file__).resolve().parent.parent / "data"


def picture(seed, kind="png"):
    """A picture of random 2 by 3 pixels."""
    rng = np.random.default_rng(seed)
    buffer = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (2, 3, 3), dtype=np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def b64(data):
    return base64.b64encode(data).decode()


class Written(str):
    """A number as it stands in the text."""


def value(v):
    """[type, text] as Sample.Metadata should return it, None where it is left out."""
    if isinstance(v, bool):
        return ["bool", str(v).lower()]
    if isinstance(v, Written):
        if set(v) & set(".eE") or not -(2**63) <= int(v) < 2**63:
            return ["float64", float(v).hex()]
        return ["int64", str(int(v))]
    if isinstance(v, str):
        return ["string", v]
    if isinstance(v, list):
        if any(isinstance(x, (list, dict)) for x in v):
            return ["string", json.dumps(unwritten(v), separators=(",", ":"))]
        return ["[]string", *(str(x).lower() if isinstance(x, bool) else str(x) for x in v if x is not None)]
    return None


def unwritten(v):
    """Numbers instead of their text, for json.dumps."""
    if isinstance(v, Written):
        return json.loads(v)
    if isinstance(v, list):
        return [unwritten(x) for x in v]
    return {k: unwritten(x) for k, x in v.items()} if isinstance(v, dict) else v


def flatten(values, prefix=""):
    out = {}
    for name, v in values.items():
        if isinstance(v, dict):
            out |= flatten(v, f"{prefix}{name}.")
        elif (text := value(v)) is not None:
            out[prefix + name] = text
    return out


def metadata(text):
    return flatten(json.loads(text, parse_int=Written, parse_float=Written, parse_constant=lambda _: None))


def case(name, file, stats=None):
    """What webdataset finds in a tar, whose files it has in the order of the tar."""
    plain = zstandard.ZstdDecompressor().stream_reader(file).read() if file[:4] == b"\x28\xb5\x2f\xfd" else file
    members = ({**m, "__url__": name} for m in tar_file_iterator(io.BytesIO(plain)))
    samples = []
    for found in group_by_keys(members):
        files = {k: v for k, v in found.items() if not k.startswith("__")}
        sample = {"key": found["__key__"], "files": [{"ext": k, "data": b64(v)} for k, v in files.items()]}
        if "txt" in files:
            sample["caption"] = files["txt"].decode().strip()
        if "json" in files:
            sample["metadata"] = metadata(files["json"])
        samples.append(sample)
    return {
        "name": name,
        "samples": samples,
        "stats": stats and b64(stats),
        "packed": b64(gzip.compress(file, mtime=0)),
    }


def img2dataset_cases():
    """Two shards of seven downloads: one download fails, another is no image."""
    from img2dataset import download

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "www").mkdir()
        for i in range(5):
            (folder / f"www/{i}.png").write_bytes(picture(i))
        (folder / "www/5.png").write_bytes(b"no image")
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder / "www")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        table = {
            "URL": [f"http://127.0.0.1:{server.server_port}/{i}.png" for i in range(7)],
            "TEXT": ["a red car", "zwei Häuser", "line\nbreak", None, "", "bad", "gone"],
            "similarity": [0.25, float("nan"), 0.5, None, float("inf"), 0.1, 0.2],
            "punsafe": [1e-5, 0.5, 1.0, 2.0, 3e-39, 0.0, 0.0],
            "hash": [-1, 2, 2**62, None, 5, 6, 7],
            "tags": [["a", "b"], [], ["c"], None, ["d"], [], []],
        }
        pq.write_table(pa.table(table), folder / "in.parquet")
        download(
            url_list=str(folder / "in.parquet"), input_format="parquet", url_col="URL", caption_col="TEXT",
            output_folder=str(folder / "out"), output_format="webdataset", processes_count=1, thread_count=1,
            save_additional_columns=["similarity", "punsafe", "hash", "tags"], image_size=8, encode_format="png", encode_quality=9,
            number_sample_per_shard=4, enable_wandb=False,
        )
        server.shutdown()
        return [
            case(f"img2dataset {shard}", (folder / f"out/{shard}.tar").read_bytes(),
                 (folder / f"out/{shard}_stats.json").read_bytes())
            for shard in ["00000", "00001"]
        ]


def webdataset_file(compress=None):
    buffer = io.BytesIO()
    with webdataset.TarWriter(buffer, mtime=0, encoder=False, compress=compress) as w:
        w.write({"__key__": "train/a/000", "webp": picture(1, "webp"), "txt": b" a zebra \n", "json": b"{}"})
        w.write({"__key__": "train/b.x/000", "JPEG": picture(2, "jpeg"), "seg.PNG": picture(3), "cls": b"7"})
        w.write({"__key__": "train/a/001", "jpg": b"", "txt": b""})
    return buffer.getvalue()


def tar_file(format, entries):
    """A tar of (name, content or type) entries."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            else:
                info.type, info.linkname = content, "a.txt"
                tar.addfile(info)
    return buffer.getvalue()


ODD = [
    ("./", tarfile.DIRTYPE), ("__meta__", b"1"), ("__meta__/a.txt", b"2"), ("README", b"no extension"), (".hidden.txt", b"3"),
    ("a.txt", b"4"), ("a.dir.d", tarfile.DIRTYPE), ("a.jpg", tarfile.SYMTYPE), ("a.png", tarfile.LNKTYPE), ("a.x.y.z", b"5"),
    ("./a.txt", b"6"), ("../../up.txt", b"7"), ("/etc/passwd.txt", b"8"), ("x/__y__.txt", b"9"), ("dots.in.name/b", b"10"),
    ("dots.in.name/b.txt", b"11"), ("end.", b"12"), ("with space/c d.txt", b"13"), ("fifo.txt", tarfile.FIFOTYPE),
    ("contiguous.txt", b"14"),
]
JSON = [
    b'{"i": 1, "n": -0, "f": 1.0, "e": 1e3, "big": 9223372036854775807, "small": -9223372036854775808}',
    b'{"beyond": 9223372036854775808, "u": "\\u00e9\\ud83d\\ude00 \\"NaN\\" \\\\", "t": true, "f": false, "z": null}',
    b'{"nan": NaN, "inf": Infinity, "neg": -Infinity, "s": "NaN, \\"-Infinity", "l": [1, NaN, "x"], "k": {"NaN": NaN}}',
    b'{"a": {"b": {"c": 1, "d": []}, "e": "x"}, "": {"": 2}, "l": ["x", "y"], "m": ["x", 1, 1.50, true, null]}',
    b'{"boxes": [[1, 2.5], [3, 4]], "things": [{"name": "cat"}, "x"], "bbox": [0.1, 2e-3, -4]}',
    b' \n{"twice": 1, "twice": "two", "a.b": 1, "a": {"b": 2}}\n',
]


def main():
    long = [("d/" * 60 + "e.txt", b"1"), ("f" * 200 + ".txt", b"2"), ("\u00e9" * 150 + ".jpg", b"3"), ("g" * 300 + "/h.txt", b"4")]
    cases = [
        *img2dataset_cases(),
        case("webdataset", webdataset_file()),
        case("webdataset gzip", webdataset_file(compress=True)),
        case("webdataset zstd", zstandard.compress(webdataset_file())),
        case("odd names", tar_file(tarfile.PAX_FORMAT, ODD)),
        case("long names, ustar", tar_file(tarfile.USTAR_FORMAT, long[:1])),
        case("long names, GNU", tar_file(tarfile.GNU_FORMAT, long)),
        case("long names, PAX", tar_file(tarfile.PAX_FORMAT, long)),
        case("json", tar_file(tarfile.USTAR_FORMAT, [(f"{i}.json", text) for i, text in enumerate(JSON)])),
        case("no samples", tar_file(tarfile.USTAR_FORMAT, [])),
    ]
    path = ROOT / "webdataset/testdata/golden.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
    print(f"{path.relative_to(ROOT.parent)}: {len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
