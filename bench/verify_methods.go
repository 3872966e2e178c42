package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/passkey"
	"github.com/latchkey/latchkey/identity/method/solana"
)

const ownOrigin = "https://app.example.com"

// measureSolana compares what a Solana wallet's text goes through, on one core, with one
// verification by package ed25519.
func measureSolana(ctx context.Context, m *machine, t *table, attempts *method.Attempts, browser method.Requester) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	network, _ := solana.NetworkNamed("mainnet")
	now := time.Now().UTC()
	service := solana.NewService(solana.Config{Networks: []solana.Network{network}, Statement: "Sign in to the benchmark."}, attempts, func() time.Time { return now })
	c, err := service.Challenge(solana.Request{Purpose: identity.PurposeSignIn, Address: base58(public)}, browser)
	if err != nil {
		return err
	}
	signature := ed25519.Sign(private, []byte(c.Text))
	written := base58(signature)
	ratios, err := interleaveCalls(ctx, m.options, func() error {
		_, err := service.Prove(c.Text, written, browser)
		return err
	}, func() error {
		if !ed25519.Verify(public, []byte(c.Text), signature) {
			return errors.New("not verified")
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.atLeast(0.7, quantile(ratios, 0.5), "a Solana wallet's proof against Ed25519", "quartiles %.2f to %.2f of %d rounds, one core, %d bytes",
		quantile(ratios, 0.25), quantile(ratios, 0.75), len(ratios), len(c.Text))
	return nil
}

// base58 writes bytes without leading zeros.
func base58(b []byte) string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	var digits []byte // least first
	for _, c := range b {
		carry := int(c)
		for i := range digits {
			carry += int(digits[i]) << 8
			digits[i], carry = byte(carry%58), carry/58 //nolint:gosec // below 58
		}
		for ; carry > 0; carry /= 58 {
			digits = append(digits, byte(carry%58))
		}
	}
	out := make([]byte, len(digits))
	for i, d := range digits {
		out[len(out)-1-i] = alphabet[d]
	}
	return string(out)
}

// onePasskey is a store with one passkey.
type onePasskey struct {
	passkey.Store
	known identity.Passkey
}

func (s onePasskey) Passkey(context.Context, string) (identity.Passkey, error) { return s.known, nil }

// measurePasskey compares what the assertion of a passkey goes through, without the
// database, with two hashes and one verification of P-256.
func measurePasskey(ctx context.Context, m *machine, t *table, attempts *method.Attempts, browser method.Requester) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	raw, err := key.PublicKey.Bytes()
	if err != nil {
		return err
	}
	handle := []byte("the handle of the user")
	store := onePasskey{known: identity.Passkey{PublicKey: cosePublicKey(raw), UserHandle: handle}}
	now := time.Now().UTC()
	service := passkey.NewService(passkey.Config{Domain: "app.example.com", Name: "Benchmark", Origins: []string{ownOrigin}}, attempts, store, func() time.Time { return now })
	c, err := service.Challenge(ctx, passkey.Request{Purpose: identity.PurposeSignIn}, browser)
	if err != nil {
		return err
	}
	encode := base64.RawURLEncoding.EncodeToString
	client, err := json.Marshal(map[string]any{"type": "webauthn.get", "challenge": encode(c.Get.Challenge), "origin": ownOrigin, "crossOrigin": false})
	if err != nil {
		return err
	}
	domain := sha256.Sum256([]byte("app.example.com"))
	data := append(domain[:], 0x05)               // present and verified
	data = binary.BigEndian.AppendUint32(data, 1) // the counter
	digest := signedDigest(data, client)
	signature, err := ecdsa.SignASN1(rand.Reader, key, digest)
	if err != nil {
		return err
	}
	id := encode([]byte("the id of the credential"))
	response, err := json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key", "clientExtensionResults": map[string]any{},
		"response": map[string]any{"clientDataJSON": encode(client), "authenticatorData": encode(data), "signature": encode(signature), "userHandle": encode(handle)},
	})
	if err != nil {
		return err
	}
	ratios, err := interleaveCalls(ctx, m.options, func() error {
		_, err := service.Prove(ctx, response, "", browser)
		return err
	}, func() error {
		if !ecdsa.VerifyASN1(&key.PublicKey, signedDigest(data, client), signature) {
			return errors.New("not verified")
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.atLeast(0.7, quantile(ratios, 0.5), "a passkey's assertion against P-256", "quartiles %.2f to %.2f of %d rounds, one core, %d bytes",
		quantile(ratios, 0.25), quantile(ratios, 0.75), len(ratios), len(response))
	return nil
}

// signedDigest is the hash of what an authenticator signs (WebAuthn section 6.3.3).
func signedDigest(data, client []byte) []byte {
	hash := sha256.Sum256(client)
	digest := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	return digest[:]
}

// cosePublicKey writes an uncompressed point of P-256 as COSE has it (RFC 9053 section
// 7.1.1), for ES256.
func cosePublicKey(point []byte) []byte {
	out := []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20}
	out = append(out, point[1:33]...)
	out = append(out, 0x22, 0x58, 0x20)
	return append(out, point[33:]...)
}
