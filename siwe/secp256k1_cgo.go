//go:build cgo

package siwe

// Secp256k1 names the implementation by which this program recovers keys.
const Secp256k1 = "libsecp256k1"
