package siwe

import (
	"crypto/ecdsa"

	siwego "github.com/spruceid/siwe-go"
)

// WithSiweGo returns the expectation with another verifier in place of
// siwe-go's.
func (exp Expectation) WithSiweGo(verify func(*siwego.Message, string) (*ecdsa.PublicKey, error)) Expectation {
	exp.siweGo = verify
	return exp
}
