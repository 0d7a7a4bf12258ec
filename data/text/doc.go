// Package text reads text files whatever they are encoded in: as people's editors,
// spreadsheets and labelling tools write them, on any system.
package text
