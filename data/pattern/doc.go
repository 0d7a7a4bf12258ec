// Package pattern names many files by one line, as data sets in shards do:
//
//	laion/part-{00000..00123}.tar
//	{train,val}/*.tar
//
// Expand spells out the braces, as a shell does, and touches no disk. Paths
// also looks for wildcards and sees to it that every file is there. Both give
// the same order every time: that in which the pattern says it, and for what a
// wildcard finds the order of Compare, in which 9.tar comes before 10.tar.
//
// # Braces
//
//	{a,b,}        each of the alternatives, which may be empty or hold braces
//	{1..12}       whole numbers, up or down
//	{00..12}      the same with zeros in front: all as wide as the wider end
//	{0..100..10}  every tenth
//	{a..e}        letters of one case
//	{a}, {}       themselves: there is nothing to choose
//	\{            the character after a backslash, whatever it is
//
// That is what bash does and the Python package braceexpand, on which
// webdataset's patterns rest. Where those two differ, this package follows the
// latter: braces without a partner are an error. A pattern that would name more
// than a million files is an error too, found before anything is looked for.
//
// # Wildcards
//
// In an element of a path, *, ? and [a-z] mean what they mean in path.Match. They do not
// find hidden files, whose name begins with a dot, unless the element begins
// with one as well. A file whose name is exactly the pattern is always found,
// so that a folder may be called "photos [2020]".
package pattern
