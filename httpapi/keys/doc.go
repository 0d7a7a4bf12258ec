// Package keys keeps the API keys of a server: who may read, write and administer it.
//
// A key is 130 random bits in base 32 behind "engram_". The file has its SHA-256 in
// place of the key. A password needs a slow hash, because people choose from few; 2^130
// keys cannot be tried at any speed, so that a fast hash tells as little, and each request
// has time for it.
package keys
