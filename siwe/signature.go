package siwe

import (
	"encoding/hex"
	"math/big"
	"strconv"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
	siwego "github.com/spruceid/siwe-go"
)

// MaxSignatureBytes is the maximum length of a decoded signature. That of an
// externally owned account has 65 bytes. That of a contract wallet can have those
// of several owners, a passkey's assertion or the wallet's deployment.
const MaxSignatureBytes = 16 << 10

const eoaSignatureBytes = 65

// personalHash returns the EIP-191 hash (version 0x45) of raw.
func personalHash(raw string) common.Hash {
	return crypto.Keccak256Hash([]byte("\x19Ethereum Signed Message:\n"+strconv.Itoa(len(raw))), []byte(raw))
}

// decodeSignature checks the length of the text first: it may have any. An empty signature
// is how a wallet refers to what its owners approved on the chain.
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
	return b, nil
}

// keySignature is a signature of 65 bytes that a key can have made: r and s in
// the range of the curve, and a recovery byte of 0, 1, 27 or 28, kept as 0 or 1.
type keySignature struct {
	bytes [eoaSignatureBytes]byte
	highS bool // the second, malleable form, with s in the upper half of the order
}

// asKeySignature returns nil for what no key can have made.
func asKeySignature(sig []byte) *keySignature {
	if len(sig) != eoaSignatureBytes {
		return nil
	}
	k := &keySignature{bytes: [eoaSignatureBytes]byte(sig)}
	v := &k.bytes[eoaSignatureBytes-1]
	if *v == 27 || *v == 28 {
		*v -= 27
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])
	if !crypto.ValidateSignatureValues(*v, r, s, false) {
		return nil
	}
	k.highS = !crypto.ValidateSignatureValues(*v, r, s, true)
	return k
}

// isOf reports whether the key of the address made the signature over raw.
func (k *keySignature) isOf(address common.Address, raw string) bool {
	hash := personalHash(raw)
	// The key is taken as it comes: made into an ecdsa.PublicKey, it would be
	// checked a second time to be on the curve.
	key, err := crypto.Ecrecover(hash[:], k.bytes[:])
	return err == nil && common.BytesToAddress(crypto.Keccak256(key[1:])[12:]) == address
}

// signedByKey reports whether the key of the message's address signed raw, the
// bytes of m. Where siwe-go can write these bytes, its answer counts, and it is
// compared with ours: of a yes, the key must be the address's; a no is checked
// by recovering the key here. It is asked only about signatures of the one form
// that counts.
func (exp *Expectation) signedByKey(m *Message, raw string, sig []byte) (bool, error) {
	k := asKeySignature(sig)
	if k == nil {
		return false, nil
	}
	if k.highS {
		if k.isOf(m.Address, raw) {
			return false, rejected(FieldSignature, "has its s in the upper half of the order")
		}
		return false, nil
	}
	other := m.asSiweGo(raw)
	if other == nil {
		return k.isOf(m.Address, raw), nil
	}
	verify := exp.siweGo
	if verify == nil {
		verify = (*siwego.Message).VerifyEIP191
	}
	key, err := verify(other, hexutil.Encode(k.bytes[:]))
	theirs := err == nil
	ours := theirs && key != nil && crypto.PubkeyToAddress(*key) == m.Address || !theirs && k.isOf(m.Address, raw)
	if ours != theirs {
		exp.logDisagreement(m, raw, theirs)
		return false, &Error{Field: FieldSignature, Kind: Rejected, Reason: "could not be verified: two implementations of EIP-4361 disagree about it", Err: ErrDisagreement}
	}
	return theirs, nil
}

// logDisagreement logs what it takes to look into one, and not the message,
// whose nonce is a secret.
func (exp *Expectation) logDisagreement(m *Message, raw string, siweGo bool) {
	if exp.Logger != nil {
		exp.Logger.Error("siwe-go and this service disagree about a wallet signature, which is refused",
			"siwe_go_accepts", siweGo, "address", m.Address.Hex(), "chain_id", m.ChainID, "hash", personalHash(raw).Hex())
	}
}

// errNotSignedByKey returns the error for a signature about which no contract can
// be asked. If it does not have the length of a key's signature, it is malformed.
func errNotSignedByKey(sig []byte, because string) *Error {
	if len(sig) != eoaSignatureBytes {
		return malformed(FieldSignature, "must have 65 bytes: "+because)
	}
	return rejected(FieldSignature, "was not made by the key of the address, and "+because)
}
