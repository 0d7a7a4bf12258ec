"""Checks with NumPy and PyArrow what data/laion and data/parquet write.

Run from the repository's root:

    python scripts/check_laion.py            the goldens, written again by Go
    python scripts/check_laion.py FOLDER     any folder that laion.Writer made

The first lets the tests of both packages keep what they write, and compares
every array with the golden one byte by byte, every table with the values in the
golden file. The second reads all shards and prints what is in them, and fails
where embeddings and metadata do not fit or an element is not finite. Checked
with numpy 2.4.6 and pyarrow 26.0.1.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parent.parent
TYPES = {"s": pa.string(), "b": pa.bool_(), "i": pa.int64(), "f": pa.float64(), "l": pa.list_(pa.string())}


def value(tagged):
    """The Python value of a golden one (see golden_laion.tag)."""
    if tagged is None:
        return None
    (tag, v), = tagged.items()
    return int(v) if tag == "i" else float.fromhex(v) if tag == "f" else v


def check_table(table, columns, name):
    """Compares a table with the golden values of its columns."""
    assert table.column_names == sorted(columns), f"{name}: {table.column_names}"
    for key, tagged in columns.items():
        tags = {tag for t in tagged if t is not None for tag in t}
        want = [value(t) for t in tagged]
        if len(tags) > 1:  # numbers beyond int64, as text beside int64
            assert tags == {"i", "s"}, f"{name}, {key}: {tags}"
            want, tags = [str(v) for v in want], {"s"}
        got = table.column(key)
        assert got.to_pylist() == want, f"{name}, {key}: {got.to_pylist()}, want {want}"
        for tag in tags:
            # A list's elements are named and required in one manner or another.
            same = pa.types.is_list(got.type) and pa.types.is_string(got.type.value_type) if tag == "l" else got.type == TYPES[tag]
            assert same, f"{name}, {key}: {got.type}, want {TYPES[tag]}"


def check_goldens(folder):
    subprocess.run(["go", "test", "-count=1", "-run", "TestWriterKeepsWhatPyArrowWrote", "./data/parquet", "-keep", folder / "tables"],
                   cwd=ROOT, check=True)
    subprocess.run(["go", "test", "-count=1", "-run", "TestWriterAgreesWithNumPy", "./data/laion", "-keep", folder / "folders"],
                   cwd=ROOT, check=True)
    tables = arrays = 0
    for i, golden in enumerate(json.loads((ROOT / "data/parquet/testdata/golden.json").read_text())):
        if golden["rows"] == 0:
            continue
        check_table(pq.read_table(folder / "tables" / f"{i}.parquet"), golden["columns"], golden["name"])
        tables += 1
    for i, golden in enumerate(json.loads((ROOT / "data/laion/testdata/golden.json").read_text())):
        for shard in golden["shards"]:
            label = f"{shard['number']:0{golden['digits']}d}"
            path = folder / "folders" / str(i) / "metadata" / f"metadata_{label}.parquet"
            if not path.exists():
                assert golden["dtype"] == "float64" or not shard["image"], f"{path} is missing"
                continue
            check_table(pq.read_table(path), shard["payloads"], str(path))
            tables += 1
            for kind in ("img_emb", "text_emb"):
                name = f"{kind}_{label}.npy"
                original = next(v for k, v in golden["files"].items() if pathlib.Path(k).name == name)
                written = folder / "folders" / str(i) / kind / name
                assert written.read_bytes() == base64.b64decode(original), f"{written} differs"
                np.load(written, allow_pickle=False)
                arrays += 1
    print(f"{arrays} arrays and {tables} tables are what they should be")


def check_folder(folder):
    found = False
    for kind in ("img_emb", "text_emb"):
        for path in sorted((folder / kind).glob(f"{kind}_*.npy")):
            label = re.fullmatch(rf"{kind}_(\d+)\.npy", path.name)[1]
            vectors = np.load(path, mmap_mode="r", allow_pickle=False)
            table = pq.read_table(folder / "metadata" / f"metadata_{label}.parquet")
            assert vectors.ndim == 2 and len(vectors) == table.num_rows, f"{path}: {vectors.shape}, {table.num_rows} rows"
            assert np.isfinite(vectors).all(), f"{path} is not finite"
            norms = np.linalg.norm(vectors.astype(np.float32), axis=1)
            print(f"{path.name}: {vectors.shape} {vectors.dtype}, norms {norms.min():.4f} to {norms.max():.4f}; "
                  + ", ".join(f"{f.name} {f.type}" for f in table.schema))
            found = True
    assert found, f"no shards in {folder}"


if __name__ == "__main__":
    if len(sys.argv) > 1:
        check_folder(pathlib.Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as tmp:
            tmp = pathlib.Path(tmp)
            (tmp / "tables").mkdir()
            check_goldens(tmp)
