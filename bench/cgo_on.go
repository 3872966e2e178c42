//go:build cgo

package main

// cgo tells which implementation of secp256k1 go-ethereum has chosen. The child
// is built with the same environment as this program.
const cgo = true
