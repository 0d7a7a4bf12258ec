// Package pixels turns image files into the tensors that image encoders take:
// it decodes JPEG, PNG, WebP, GIF, BMP, TIFF and AVIF into 8-bit RGB, and resizes,
// crops and normalises the result.
//
// An embedding is only comparable to another one if both images went through
// the same arithmetic, so the package follows what published embeddings were
// made with. With antialias, a Transform computes what Pillow's Image.resize
// does, to the last bit; without, what PyTorch's interpolate does on float
// tensors, which is what torchvision's tensor Resize was. It has the filters, crops
// and roundings of torchvision, open_clip and Hugging Face's image processors, and
// makes their tensors up to the rounding of float32. JPEG files of every kind
// become what libjpeg makes of them, to the bit.
//
// Decode differs from a bare Image.open(…).convert("RGB") in three points, on
// purpose: it turns the image as its metadata say, puts transparent pixels on white,
// and divides an image of more than 64 Mi pixels by 2, 4 or 8 along both sides. The
// first two give the image as a viewer shows it. The colour under a transparent
// pixel is arbitrary, often black, and convert would let the encoder see it.
//
// # Files that are damaged or end early
//
// What libjpeg, libpng, giflib and browsers show is shown: bytes that do not belong
// there are passed over, missing tables and ends are supplied. Of a file that ends
// early or is damaged within its pixels, what comes before is shown and the rest is
// mid-grey, where at least half of its pixels, or of the blocks of a JPEG, are
// there; else the error is ErrCorrupt. A progressive JPEG counts by its first scan.
// WebP and AVIF are shown whole or not at all. A whole file of a kind that is not
// known gives ErrFormat.
//
// # Orientation
//
// The orientation is read from EXIF in JPEG, PNG (eXIf, or ImageMagick's raw
// profiles), WebP and TIFF, whatever type of number it has, and where EXIF has none
// from XMP. AVIF says it in its container.
//
// # Memory
//
// Input is hostile: sizes are checked before memory is taken for them, and a Budget
// bounds all decodes together. Everything is pure Go and needs no cgo.
package pixels
