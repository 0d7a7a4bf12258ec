//go:build !linux

package disk

func advisePages(scanned, single []byte) {}
