// Package nifti reads brain volumes in NIfTI-1 and NIfTI-2, single files (.nii)
// and pairs (.hdr, .img), plain or gzipped, in both byte orders, with every
// integer and real type, scaling, extensions and up to seven axes. It writes
// single NIfTI-1 files of the common types.
//
// An Image is a header and a stream of volumes, so that a long run costs the
// memory of one volume. A Mask names the voxels to keep, and Image.Masked
// turns a run into the matrix of trials and voxels that decoders work on. A mask
// keeps the voxels above 0 and must lie where the run lies (Geometry).
//
// Axes are X, Y, Z as in the header. Files store X fastest; everything that
// leaves this package is in C order, Z fastest: voxel (x, y, z) of a volume of
// X×Y×Z voxels is element (x·Y + y)·Z + z, and the voxels of a mask come in
// ascending order of it, as data[mask] gives them in NumPy for an array read
// by nibabel.
//
// The formats are described in nifti1.h and nifti2.h of
// https://nifti.nimh.nih.gov.
package nifti
