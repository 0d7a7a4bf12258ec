"""Writes the golden files of the packages under data/.

Each golden is a small file made by the reference implementation, with the
values that a reader must find in it. Run from the repository's root:

    python scripts/golden_data.py

Made with numpy 2.4.6. It writes

    data/npy/testdata/golden.json
"""

import base64
import io
import json
import pathlib
import warnings

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent / "data"


def text(array):
    """Values in C order, exactly: decimal integers, hexadecimal floats."""
    flat = np.asarray(array).ravel(order="C")
    if flat.dtype.kind == "f":
        return [float(x).hex() for x in flat]
    return [str(int(x)) for x in flat]


def write_json(path, cases):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(c, ensure_ascii=True) for c in cases)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{path.relative_to(ROOT.parent)}: {len(cases)} cases, {path.stat().st_size} bytes")


def extremes(dtype, count):
    """count values of a type, its ends among them."""
    rng = np.random.default_rng(count)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.integers(0, 2, count).astype(dtype)
    if kind in "iu":
        info = np.iinfo(dtype)
        values = rng.integers(info.min, info.max, count, dtype=np.dtype(dtype).newbyteorder("="), endpoint=True)
        values[:2] = info.min, info.max
        return values.astype(dtype)
    values = rng.standard_normal(count).astype(dtype)
    info = np.finfo(dtype)
    ends = [info.max, info.smallest_subnormal, -info.tiny, np.inf, np.nan, -0.0]
    values[: min(count, 6)] = ends[:count]
    return values


def npy_case(name, array, version):
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # version 3.0 warns that old readers exist
        np.lib.format.write_array(buffer, array, version=version)
    return {
        "name": name,
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "values": text(array),
        "file": base64.b64encode(buffer.getvalue()).decode(),
    }


def npy():
    cases = []
    for code in ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]:
        for order in "<>" if code[1] != "1" else "|":
            dtype = np.dtype(order + code)
            cube = extremes(dtype, 24).reshape(2, 3, 4)
            for layout, array in [("C", cube), ("Fortran", np.asfortranarray(cube))]:
                for version in [(1, 0), (2, 0), (3, 0)]:
                    cases.append(npy_case(f"{dtype.str} {layout} {version[0]}.{version[1]}", array, version))
    for shape in [(), (1,), (0,), (3, 0, 2), (7,), (1, 7), (7, 1), (2, 3), (3, 1, 2, 2), (2, 1, 3, 1, 2)]:
        array = extremes("<i4", max(2, int(np.prod(shape))))[: int(np.prod(shape))].reshape(shape)
        cases.append(npy_case(f"shape {shape} C", array, (1, 0)))
        cases.append(npy_case(f"shape {shape} Fortran", np.asfortranarray(array), (1, 0)))
    write_json(ROOT / "npy/testdata/golden.json", cases)


if __name__ == "__main__":
    npy()
