"""Writes the golden files of the simulated scanner and of the NIfTI writer.

Run from the repository's root:

    python scripts/golden_scanner.py

Made with numpy 2.4.6, scipy 1.17.1 and nibabel 5.4.2. It writes

    data/scanner/testdata/golden.json  a picture and its features
    data/nifti/testdata/write.json     images as nibabel writes them

The features are computed the long way: two-dimensional complex filters,
correlated by scipy.signal, where the package uses separable ones.
"""

import base64
import json
import pathlib

import nibabel
import numpy as np
import scipy.signal

ROOT = pathlib.Path(__file__).resolve().parent.parent / "data"

SIDE, GRID, SCALES, ORIENTATIONS = 128, 16, 4, 8
WAVE, RADIUS = 16 / 3, 8
ENVELOPE = WAVE / 2


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=0) + "\n")
    print(f"{path.relative_to(ROOT.parent)}: {path.stat().st_size} bytes")


def area_average(n):
    """The matrix that averages n samples to SIDE by the area they cover."""
    edges = np.linspace(0, n, SIDE + 1)
    low = np.maximum(edges[:-1, None], np.arange(n))
    high = np.minimum(edges[1:, None], np.arange(n) + 1)
    return np.maximum(high - low, 0) / (n / SIDE)


def gabor(orientation):
    theta = np.pi * orientation / ORIENTATIONS
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    window = np.exp(-(x**2 + y**2) / (2 * ENVELOPE**2))
    along = x * np.cos(theta) + y * np.sin(theta)
    return window * np.exp(2j * np.pi * along / WAVE) * 2 / window.sum()


def halved(plane):
    kernel = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    full = scipy.signal.correlate2d(np.pad(plane, 1), kernel, mode="valid")
    return full[::2, ::2]


def cell_means(plane):
    per = plane.shape[0] // GRID
    return plane.reshape(GRID, per, GRID, per).mean(axis=(1, 3))


def features(picture):
    n = min(picture.shape[:2])
    top, left = (picture.shape[0] - n) // 2, (picture.shape[1] - n) // 2
    square = picture[top : top + n, left : left + n].astype(np.float64) / 255
    average = area_average(n)
    r, g, b = (average @ square[:, :, i] @ average.T for i in range(3))
    light = 0.299 * r + 0.587 * g + 0.114 * b - 0.5
    out = []
    level = light
    for scale in range(SCALES):
        if scale > 0:
            level = halved(level)
        stride = min(2, level.shape[0] // GRID)
        for orientation in range(ORIENTATIONS):
            found = scipy.signal.correlate(level.astype(complex), gabor(orientation).conj(), mode="same", method="direct")
            out.append(cell_means(np.abs(found[::stride, ::stride]) ** 2))
    mean = cell_means(light)
    out += [mean, np.sqrt(cell_means(light**2) - mean**2)]
    red_green, blue_yellow = cell_means(r - g), cell_means(b - (r + g) / 2)
    out += [np.maximum(red_green, 0), np.maximum(-red_green, 0)]
    out += [np.maximum(blue_yellow, 0), np.maximum(-blue_yellow, 0)]
    return np.stack(out, axis=-1)


def picture():
    """96×80 pixels: a grating that turns and tightens, coloured, and noise."""
    y, x = np.mgrid[0:80, 0:96]
    wave = np.cos((x + 0.6 * y) ** 2 / 90)
    shades = 0.5 + 0.3 * wave[:, :, None] * np.array([1, 0.6, -0.4])
    shades += 0.1 * np.random.default_rng(3).standard_normal((80, 96, 3))
    return np.clip(np.round(255 * shades), 0, 255).astype(np.uint8)


def scanner():
    image = picture()
    write_json(
        ROOT / "scanner/testdata/golden.json",
        {
            "w": image.shape[1],
            "h": image.shape[0],
            "pix": encoded(image),
            "features": encoded(features(image).astype("<f4")),
        },
    )


def nifti():
    rng = np.random.default_rng(5)
    cases = []
    for code, shape, slope, inter in [
        ("u1", (2, 3, 4), 1, 0),
        ("i2", (2, 3, 4, 5), 1 / 300, -2.5),
        ("f4", (3, 1, 2), 1, 0),
        ("f4", (3, 2, 2, 2), 2, 0),
    ]:
        stored = (100 * rng.standard_normal(shape)).astype(code)
        size = [1.8, 1.5, 2.0]
        image = nibabel.Nifti1Image(stored, np.diag(size + [1]))
        header = image.header
        header.set_xyzt_units("mm")
        header.set_sform(np.diag(size + [1]), "scanner")
        header["scl_slope"], header["scl_inter"] = slope, inter
        header["vox_offset"] = 352
        # nibabel would rescale the voxels; here the file's own bytes are compared.
        file = header.binaryblock + bytes(4) + stored.tobytes(order="F")
        found = nibabel.Nifti1Image.from_bytes(file)
        assert np.allclose(found.get_fdata(), stored * np.float64(np.float32(slope)) + inter)
        assert np.allclose(found.affine, np.diag(size + [1]))
        volumes = np.moveaxis(stored.reshape(shape + (1,) * (4 - len(shape))), 3, 0)
        cases.append(
            {
                "type": stored.dtype.name,
                "shape": list(shape),
                "size": size,
                "slope": slope,
                "inter": inter,
                "data": encoded(volumes),
                "file": base64.b64encode(file).decode(),
            }
        )
    write_json(ROOT / "nifti/testdata/write.json", cases)


if __name__ == "__main__":
    scanner()
    nifti()
