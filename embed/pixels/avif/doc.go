// Package avif decodes AVIF, images of AV1 in the container of ISO/IEC 23008-12.
//
// The codec is libavif as WebAssembly (see wasm/README.md), run by wazero, which is
// pure Go. So nothing has to be installed, every machine decodes alike, and damaged
// files cannot reach memory outside of the module, which is bounded. A photo of 12
// megapixels takes about two seconds on one core. A decode that is under way is not
// interrupted.
package avif
