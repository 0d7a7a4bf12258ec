// Package report writes the scores of `engram eval` for other programs and for people:
// CSV in long form, one figure a line, and one HTML file with plots, tables and test
// scans. The HTML needs no other file and no network: plots are inline SVG, pictures are
// data URIs, and there is no script.
package report
