package siwe

import (
	"encoding/hex"
	"math/big"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// MaxSignatureBytes bounds a signature after decoding. An externally owned
// account's has 65 bytes; a contract wallet's can carry several owners', a
// passkey's assertion or, not yet deployed, its whole deployment.
const MaxSignatureBytes = 16 << 10

const eoaSignatureBytes = 65

// personalHash is the EIP-191 hash (version 0x45) of exactly the bytes given.
func personalHash(raw string) common.Hash {
	return crypto.Keccak256Hash([]byte("\x19Ethereum Signed Message:\n"+strconv.Itoa(len(raw))), []byte(raw))
}

// decodeSignature bounds the text first: it may have any size.
func decodeSignature(s string) ([]byte, error) {
	if len(s) > 2+2*MaxSignatureBytes {
		return nil, malformed(FieldSignature, "is longer than 16 KiB")
	}
	if len(s) < 2 || s[:2] != "0x" {
		return nil, malformed(FieldSignature, "must be hexadecimal and start with 0x")
	}
	b, err := hex.DecodeString(s[2:])
	if err != nil {
		return nil, malformed(FieldSignature, "is not hexadecimal")
	}
	if len(b) == 0 {
		return nil, malformed(FieldSignature, "is empty")
	}
	return b, nil
}

// recoverSigner returns whose key made the signature. ok is false when it is
// not a recoverable signature at all: not r, s and a recovery byte of 0, 1, 27
// or 28. highS tells the second, malleable form of a signature.
func recoverSigner(hash common.Hash, sig []byte) (signer common.Address, highS, ok bool) {
	if len(sig) != eoaSignatureBytes {
		return signer, false, false
	}
	v := sig[64]
	if v == 27 || v == 28 {
		v -= 27
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])
	if !crypto.ValidateSignatureValues(v, r, s, false) {
		return signer, false, false
	}
	canonical := append([]byte(nil), sig...)
	canonical[64] = v
	// The key is taken as it comes: made into an ecdsa.PublicKey, it would be
	// checked a second time to be on the curve.
	key, err := crypto.Ecrecover(hash[:], canonical)
	if err != nil {
		return signer, false, false
	}
	return common.BytesToAddress(crypto.Keccak256(key[1:])[12:]), !crypto.ValidateSignatureValues(v, r, s, true), true
}

// errNotSignedByKey refuses a signature that no contract can be asked about. What is not
// even as long as a key's cannot be one: it is malformed.
func errNotSignedByKey(sig []byte, because string) *Error {
	if len(sig) != eoaSignatureBytes {
		return malformed(FieldSignature, "must have 65 bytes: "+because)
	}
	return rejected(FieldSignature, "was not made by the key of the address, and "+because)
}
