package main

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"
)

const (
	challengePath = "/v1/auth/siwe/challenge"
	verifyPath    = "/v1/auth/siwe/verify"
	sessionPath   = "/v1/session"
)

// wallet is an externally owned account.
type wallet struct {
	key     *ecdsa.PrivateKey
	address string // EIP-55
}

func newWallets(n int) ([]wallet, error) {
	out := make([]wallet, n)
	for i := range out {
		key, err := crypto.GenerateKey()
		if err != nil {
			return nil, err
		}
		out[i] = wallet{key, crypto.PubkeyToAddress(key.PublicKey).Hex()}
	}
	return out, nil
}

// sign is personal_sign (EIP-191).
func (w wallet) sign(message string) (string, error) {
	sig, err := crypto.Sign(accounts.TextHash([]byte(message)), w.key)
	if err != nil {
		return "", err
	}
	sig[64] += 27
	return hexutil.Encode(sig), nil
}

// challengeFor asks for a ready message, or for a nonce alone.
func (w wallet) challengeFor(address string, ready bool) []byte {
	if !ready {
		return post(address, challengePath, "", []byte("{}"))
	}
	return post(address, challengePath, "", []byte(`{"address":"`+w.address+`"}`))
}

// verifyFor makes the request that answers a challenge. What is not in it yet,
// the client's own message, is written as viem writes it.
func (w wallet) verifyFor(address string, challenge answer) ([]byte, error) {
	var c struct {
		Nonce, Domain, URI, Message string
		ChainID                     uint64 `json:"chain_id"`
	}
	if err := json.Unmarshal(challenge.body, &c); err != nil {
		return nil, err
	}
	if c.Message == "" {
		c.Message = fmt.Sprintf("%s wants you to sign in with your Ethereum account:\n%s\n\nSign in to the benchmark.\n\nURI: %s\nVersion: 1\nChain ID: %d\nNonce: %s\nIssued At: %s",
			c.Domain, w.address, c.URI, c.ChainID, c.Nonce, time.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	signature, err := w.sign(c.Message)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{"message": c.Message, "signature": signature})
	return post(address, verifyPath, strings.Join(challenge.cookies, "; "), body), err
}

// signIn goes through both steps and returns the session cookie.
func (w wallet) signIn(c *client, address string) (cookie string, err error) {
	a, err := c.do(w.challengeFor(address, true))
	if err == nil {
		err = a.want(200)
	}
	if err != nil {
		return "", fmt.Errorf("challenge: %w", err)
	}
	request, err := w.verifyFor(address, a)
	if err != nil {
		return "", err
	}
	if a, err = c.do(request); err == nil {
		err = a.want(200)
	}
	if err != nil {
		return "", fmt.Errorf("verify: %w", err)
	}
	return a.cookies[len(a.cookies)-1], nil
}

// keep copies an answer out of the connection's buffer.
func (a answer) keep() answer {
	a.body = bytes.Clone(a.body)
	return a
}
