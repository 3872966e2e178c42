package solana

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"

	"filippo.io/edwards25519"

	"github.com/latchkey/latchkey/siwe"
)

const (
	keyBytes     = ed25519.PublicKeySize
	maxSignature = 88 // characters, in base 58 and in base 64
)

// publicKey reads the key that an address is. Besides what is no address it refuses two
// kinds of keys that no wallet has, and that package ed25519 takes:
//
//   - one that is not in the canonical form of its point (RFC 8032 section 5.1.3): the
//     same key would have two addresses, and so be two identities;
//   - one of small order, for which anybody can make a signature that is right for many
//     texts.
//
// A key that is no point of the curve, such as the address of a program, fails in verify.
func publicKey(address string) (ed25519.PublicKey, error) {
	key, ok := decode58(address, keyBytes)
	if !ok {
		return nil, malformed(siwe.FieldAddress, "is not 32 bytes in base 58")
	}
	y := [keyBytes]byte(key)
	y[keyBytes-1] &= 0x7f // the rest is the sign of x
	switch {
	case y[0] >= 0xed && y[keyBytes-1] == 0x7f && bytes.Count(y[1:keyBytes-1], []byte{0xff}) == keyBytes-2:
		return nil, rejected(siwe.FieldAddress, "is not one that can sign: its key is not in canonical form")
	case slices.Contains(smallOrder, y):
		return nil, rejected(siwe.FieldAddress, "is not one that can sign: its key has a small order")
	}
	return key, nil
}

// smallOrder are the y of the eight points whose order divides 8, little-endian.
var smallOrder = [][keyBytes]byte{
	{},  // order 4
	{1}, // the neutral element
	point("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"), // order 2
	point("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), // order 8
	point("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), // order 8
}

func point(s string) [keyBytes]byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err) // of a constant
	}
	return [keyBytes]byte(b)
}

// checkAddress refuses an address that cannot sign, also one that is no point of the
// curve. verify needs no such check.
func checkAddress(address string) error {
	key, err := publicKey(address)
	if err == nil {
		_, err = new(edwards25519.Point).SetBytes(key)
		if err != nil {
			return rejected(siwe.FieldAddress, "is not one that can sign: it is no key")
		}
	}
	return err
}

// verify checks a signature over the bytes of a text, by the rule of RFC 8032 (section
// 5.1.7) as package ed25519 has it: without the cofactor, with S below the order of the
// group, and with R compared as bytes. A signature cannot be changed into a second one,
// and nothing passes that another implementation may refuse. With publicKey, and
// with an R of small order refused here, it is what Solana itself uses (verify_strict of
// ed25519-dalek).
func verify(key ed25519.PublicKey, raw, signature string) error {
	sig, ok := decodeSignature(signature)
	if !ok {
		return malformed(siwe.FieldSignature, "must be 64 bytes, in base 58 or in base 64")
	}
	r := [keyBytes]byte(sig)
	if r[keyBytes-1] &= 0x7f; slices.Contains(smallOrder, r) || !ed25519.Verify(key, []byte(raw), sig) {
		return rejected(siwe.FieldSignature, "was not made by the key of the address over exactly this text")
	}
	return nil
}

// decodeSignature reads base 58, as Solana writes signatures, or base 64 (RFC 4648
// section 4), as browsers do. Of 64 bytes base 64 ends with ==, and base 58 has no =.
func decodeSignature(s string) ([]byte, bool) {
	if len(s) > maxSignature {
		return nil, false
	}
	if !strings.HasSuffix(s, "==") {
		return decode58(s, ed25519.SignatureSize)
	}
	sig, err := base64.StdEncoding.Strict().DecodeString(s)
	return sig, err == nil && len(sig) == ed25519.SignatureSize && base64.StdEncoding.EncodeToString(sig) == s
}
