//go:build cgo

package main

// cgo reports whether this program has libsecp256k1. The binary that it measures
// is built alike.
const cgo = true
