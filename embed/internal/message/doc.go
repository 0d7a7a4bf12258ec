// Package message walks through protobuf messages in a file without reading the
// bodies of their fields, so that the names in an ONNX file of gigabytes cost a
// few reads.
package message
