// Package onnx writes and reads ONNX files without running them.
//
// Marshal turns a Graph of Nodes over named values into the bytes of a ModelProto.
// Only what this repository emits is covered: dense tensors, the attribute
// types of the standard operators, and nested graphs for Loop and If.
//
// Inspect reads what a graph takes, gives and uses; External the files in which it
// keeps weights; Extract cuts a graph to the part that some outputs need. They walk
// through the file by its field lengths and hold no weights in memory, so that
// graphs of 2 GB cost a few megabytes.
//
// The protobuf wire format is handled by hand (protowire), by the field numbers
// of onnx.proto (ONNX IR version 10), so that no generated code is needed.
// Nothing here checks a graph; ONNX Runtime does at open.
package onnx
