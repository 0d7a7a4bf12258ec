"""Writes the golden files of the packages under data/.

Each golden is a small file made by the reference implementation, with the
values that a reader must find in it. Run from the repository's root:

    python scripts/golden_data.py

Made with numpy 2.4.6, nibabel 5.4.2 and safetensors 0.8.0. It writes

    data/npy/testdata/golden.json
    data/nifti/testdata/golden.json
    data/safetensors/testdata/golden.json

and prints what the tests of data/nifti expect of the real scans beside the repository.
"""

import base64
import gzip
import io
import json
import pathlib
import warnings

import nibabel
import numpy as np
import safetensors

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


def nifti_image(array, cls=nibabel.Nifti1Image, endian="<", slope=None, inter=None):
    """Header and voxels of an image whose stored values are array.

    The header is nibabel's; the voxels are written here because nibabel would
    rescale them.
    """
    header = cls.header_class(endianness=endian)
    header.set_data_dtype(array.dtype)
    header.set_data_shape(array.shape)
    header["scl_slope"], header["scl_inter"] = slope or 0, inter or 0
    if cls is not nibabel.Nifti1Pair:
        header["vox_offset"] = 544 if cls is nibabel.Nifti2Image else 352
    buffer = io.BytesIO()
    header.write_to(buffer)
    gap = int(header["vox_offset"]) - buffer.tell()
    voxels = array.astype(array.dtype.newbyteorder(endian)).tobytes(order="F")
    return buffer.getvalue() + bytes(max(0, gap)), voxels


def nifti_case(name, file, mask=None, data=None):
    """What nibabel finds in an image; data are the voxels of a pair."""
    if data is None:
        image = nibabel.Nifti2Image if file[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c") else nibabel.Nifti1Image
        plain = gzip.decompress(file) if file[:2] == b"\x1f\x8b" else file
        image = image.from_bytes(plain)
    else:
        files = nibabel.Nifti1Pair.make_file_map({"header": io.BytesIO(file), "image": io.BytesIO(data)})
        image = nibabel.Nifti1Pair.from_file_map(files)
    with np.errstate(over="ignore"):
        found = image.get_fdata(dtype=np.float64).astype(np.float32)
    volumes = found.reshape(tuple((list(found.shape) + [1, 1])[: max(3, found.ndim)]))
    # One row a volume, in the order in which the file stores volumes; the
    # voxels of each in C order.
    grid = volumes.shape[:3]
    rows = volumes.reshape(grid + (-1,), order="F").reshape(-1, int(np.prod(volumes.shape[3:])))
    case = {
        "name": name,
        "type": image.get_data_dtype().name,
        "shape": list(found.shape),
        "volumes": [text(v) for v in rows.T],
        "file": base64.b64encode(file).decode(),
    }
    if data is not None:
        case["data"] = base64.b64encode(data).decode()
    if mask is not None:
        case["mask"] = base64.b64encode(b"".join(nifti_image(mask.astype(np.uint8)))).decode()
        case["masked"] = [text(volume[mask]) for volume in np.moveaxis(found, -1, 0)]
    return case


def nifti():
    cases = []
    for code in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]:
        cube = extremes(code, 24).reshape(2, 3, 2, 2)
        for endian in "<>":
            for cls, version in [(nibabel.Nifti1Image, 1), (nibabel.Nifti2Image, 2)]:
                file = b"".join(nifti_image(cube, cls, endian))
                cases.append(nifti_case(f"{code} {endian} NIfTI-{version}", file))
    counts = extremes("i2", 48).reshape(2, 3, 4, 2)
    mask = np.random.default_rng(7).random((2, 3, 4)) < 0.4
    for endian in "<>":
        for cls, version in [(nibabel.Nifti1Image, 1), (nibabel.Nifti2Image, 2)]:
            file = b"".join(nifti_image(counts, cls, endian, 1 / 300, -2.5))
            cases.append(nifti_case(f"scaled {endian} NIfTI-{version}", file, mask))
    cases.append(nifti_case("slope 0 with an intercept", b"".join(nifti_image(counts, slope=0, inter=3)), mask))
    plain = b"".join(nifti_image(counts))
    cases.append(nifti_case("gzipped", gzip.compress(plain, mtime=0), mask))
    header, data = nifti_image(counts, nibabel.Nifti1Pair)
    cases.append(nifti_case("pair", header, mask, data))
    image = nibabel.Nifti1Image(counts, np.eye(4))
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"made for a test"))
    cases.append(nifti_case("extension", image.to_bytes(), mask))
    for shape in [(5,), (2, 3), (2, 3, 4), (2, 1, 3, 1), (2, 3, 1, 2, 2), (1, 2, 3, 1, 2, 1, 2)]:
        array = extremes("i2", int(np.prod(shape))).reshape(shape)
        cases.append(nifti_case(f"shape {shape}", b"".join(nifti_image(array))))
    write_json(ROOT / "nifti/testdata/golden.json", cases)


def safetensors_case(name, tensors, metadata=None):
    """tensors: name -> (type as safetensors spells it, array of its bits or values)."""
    # Fresh, contiguous copies that stay alive while they are written.
    arrays = {n: np.array(a, order="C") for n, (_, a) in tensors.items()}
    specs = {
        n: safetensors.TensorSpec(dtype=tensors[n][0], shape=a.shape, data_ptr=a.ctypes.data, data_len=a.nbytes)
        for n, a in arrays.items()
    }
    found = {}
    for n, (t, a) in tensors.items():
        # bfloat16 is the upper half of float32, whose lower half is then zero.
        values = (a.astype(np.uint32) << 16).view(np.float32) if t == "bfloat16" else a
        found[n] = {"type": t, "shape": list(a.shape), "values": text(values)}
    file = bytes(safetensors.serialize(specs, metadata))
    return {"name": name, "metadata": metadata, "tensors": found, "file": base64.b64encode(file).decode()}


def safetensors_files():
    types = {
        "bool": "b1", "uint8": "u1", "int8": "i1", "uint16": "u2", "int16": "i2", "uint32": "u4", "int32": "i4",
        "uint64": "u8", "int64": "i8", "float16": "f2", "bfloat16": "u2", "float32": "f4", "float64": "f8",
    }
    every = {f"layers.0.{t}": (t, extremes(code, 6).reshape(2, 3)) for t, code in types.items()}
    writable = {n: v for n, v in every.items() if v[0] not in ("float16", "bfloat16")}
    shapes = {
        "scalar": ("float32", np.array(2.5, np.float32)),
        "empty": ("float32", np.zeros((3, 0), np.float32)),
        "weird \"name\" <é>": ("float32", np.arange(4, dtype=np.float32)),
        "cube": ("float32", np.arange(24, dtype=np.float32).reshape(2, 3, 4)),
    }
    write_json(ROOT / "safetensors/testdata/golden.json", [
        safetensors_case("every type", every),
        safetensors_case("types that are written", writable, {"format": "np"}),
        safetensors_case("shapes", shapes, {"config": '{"width": 4}'}),
        safetensors_case("nothing", {}),
    ])


def haxby():
    """Prints the counts that the tests of data/nifti expect: nearest-template decoding of
    Haxby's eight categories, leaving one run out, of run means."""
    folder = ROOT.parent.parent / "shared/real/scans/haxby2001"
    if not folder.exists():
        print(f"skipped: {folder} is not there")
        return
    mask = nibabel.load(folder / "mask.nii.gz").get_fdata() != 0
    voxels = nibabel.load(folder / "bold.nii.gz").get_fdata()[mask].T
    lines = [line.split() for line in (folder / "attributes_literal.txt").open()]
    label, run = np.array([x for x, _ in lines]), np.array([int(x) for _, x in lines])
    categories = sorted(set(label) - {"rest"})
    for detrend, reference in [(False, label != ""), (True, label != ""), (True, label == "rest")]:
        data = voxels.copy()
        for r in set(run):
            rows = data[run == r]
            if detrend:
                time = np.arange(len(rows))
                slope, intercept = np.polyfit(time, rows, 1)
                rows = rows - intercept - time[:, None] * slope
            base = rows[reference[run == r]]
            data[run == r] = (rows - base.mean(0)) / base.std(0)
        right = 0
        for r in set(run):
            templates = [data[(run != r) & (label == c)].mean(0) for c in categories]
            for i, c in enumerate(categories):
                seen = data[(run == r) & (label == c)].mean(0)
                right += int(np.argmax([np.corrcoef(seen, t)[0, 1] for t in templates]) == i)
        print(f"haxby2001: detrend {detrend}, z-scored by {reference.sum()} volumes: {right} of 96")


if __name__ == "__main__":
    npy()
    nifti()
    safetensors_files()
    haxby()
