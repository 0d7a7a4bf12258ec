// Package pixels turns image files into the tensors that image encoders take:
// it decodes JPEG, PNG, WebP, GIF, BMP and TIFF into 8-bit RGB, and resizes,
// crops and normalises the result.
//
// An embedding is only comparable to another one if both images went through
// the same arithmetic, so the package follows what published embeddings were
// made with. With antialias, a Transform computes what Pillow's Image.resize
// does, to the last bit; without, what PyTorch's interpolate does on float
// tensors, which is what torchvision's tensor Resize was. Chroma upsampling
// and colour conversion of JPEG follow libjpeg.
//
// Decode differs from a bare Image.open(…).convert("RGB") in two points, on
// purpose: it turns the image as its EXIF orientation says, and puts
// transparent pixels on white. Both give the image as a viewer shows it. The
// colour under a transparent pixel is arbitrary, often black, and convert
// would let the encoder see it.
//
// Everything is pure Go, needs no cgo, and treats its input as hostile: sizes
// are checked before memory is taken for them.
package pixels
