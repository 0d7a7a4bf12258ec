#!/usr/bin/env python3
"""Converts a file of ANN-benchmarks to the .npy files that engram bench reads.

    pip install numpy h5py
    python scripts/hdf5_to_npy.py glove-100-angular.hdf5 DIR
    engram bench --vectors DIR/train.npy --queries DIR/query.npy --truth DIR/gt_ids.npy

The file has the datasets train [N, D], test [Q, D] and neighbors [Q, K], and names its
metric in the attribute "distance". Engram compares by the cosine. So vectors of an
"angular" or "cosine" file are brought to unit length, and the neighbors hold. For
another metric they do not: gt_ids.npy is left out, and engram bench finds the
nearest itself. Rows are copied a few thousand at a time.
"""

import argparse
import pathlib

import h5py
import numpy as np

BLOCK = 8192


def convert(data, path):
    """Writes the rows of a dataset in unit length; a row of zeros is refused."""
    out = np.lib.format.open_memmap(path, "w+", np.float32, data.shape)
    for lo in range(0, len(data), BLOCK):
        rows = np.asarray(data[lo:lo + BLOCK], np.float32)
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        if not np.all(length > 0):
            raise SystemExit(f"{path}: row {lo + int(np.argmin(length))} has the length 0, which has no direction")
        out[lo:lo + len(rows)] = rows / length
    out.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="HDF5 file in ANN-benchmarks' layout")
    parser.add_argument("out", type=pathlib.Path, help="folder for train.npy, query.npy and gt_ids.npy")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    with h5py.File(args.file) as file:
        missing = {"train", "test"} - set(file)
        if missing:
            raise SystemExit(f"{args.file} has {sorted(file)}, wanted train and test")
        metric = file.attrs.get("distance", "unknown")
        convert(file["train"], args.out / "train.npy")
        convert(file["test"], args.out / "query.npy")
        kept = metric in ("angular", "cosine") and "neighbors" in file
        if kept:
            np.save(args.out / "gt_ids.npy", np.asarray(file["neighbors"], np.int32))
        print(f"{file['train'].shape[0]} vectors and {file['test'].shape[0]} queries of {file['train'].shape[1]} elements, "
              f"metric {metric}; neighbors {'kept' if kept else 'left out'}")


if __name__ == "__main__":
    main()
