// Package onnx writes ONNX files: a Graph of Nodes over named values, turned
// into the bytes of a ModelProto.
//
// Only what this repository emits is covered: dense tensors, the attribute
// types of the standard operators, and nested graphs for Loop and If. It
// writes the protobuf wire format by hand (protowire) from the field numbers
// of onnx.proto (ONNX IR version 10), so that no generated code is needed.
// Nothing here runs or checks a graph; ONNX Runtime does both at open.
package onnx
