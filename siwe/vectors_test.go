package siwe_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/siwe"
)

// vectors reads a file of the public EIP-4361 vectors, which are kept outside
// of the repository; it skips the test where they are not found.
func vectors[T any](t *testing.T, name string) map[string]T {
	t.Helper()
	dir, err := os.Getwd()
	ok(t, err)
	for {
		raw, err := os.ReadFile(filepath.Join(dir, "shared", "siwe-vectors", name))
		if err == nil {
			var v map[string]T
			ok(t, json.Unmarshal(raw, &v))
			return v
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		t.Skip("the public vectors (shared/siwe-vectors) are not on this machine")
	}
}

type vectorFields struct {
	Scheme         *string  `json:"scheme"`
	Domain         string   `json:"domain"`
	Address        string   `json:"address"`
	Statement      string   `json:"statement"`
	URI            string   `json:"uri"`
	Version        string   `json:"version"`
	ChainID        any      `json:"chainId"`
	Nonce          string   `json:"nonce"`
	IssuedAt       string   `json:"issuedAt"`
	ExpirationTime *string  `json:"expirationTime"`
	NotBefore      *string  `json:"notBefore"`
	RequestID      *string  `json:"requestId"`
	Resources      []string `json:"resources"`
	Signature      string   `json:"signature"`
	Time           string   `json:"time"`
}

func (f vectorFields) message() siwe.Message {
	instant := func(s string) time.Time { t, _ := time.Parse(time.RFC3339, s); return t }
	optional := func(s *string) *time.Time {
		if s == nil {
			return nil
		}
		return ptr(instant(*s))
	}
	chain, _ := f.ChainID.(float64)
	m := siwe.Message{
		Domain: f.Domain, Address: common.HexToAddress(f.Address), Statement: f.Statement, URI: f.URI, Version: f.Version,
		ChainID: uint64(chain), Nonce: f.Nonce, IssuedAt: instant(f.IssuedAt), ExpirationTime: optional(f.ExpirationTime),
		NotBefore: optional(f.NotBefore), RequestID: f.RequestID, Resources: f.Resources,
	}
	if f.Scheme != nil {
		m.Scheme = *f.Scheme
	}
	return m
}

func TestVectorsParse(t *testing.T) {
	type vector struct {
		Message string       `json:"message"`
		Fields  vectorFields `json:"fields"`
	}
	for name, v := range vectors[vector](t, "parsing_positive.json") {
		t.Run(name, func(t *testing.T) {
			got, err := siwe.Parse(v.Message)
			ok(t, err)
			equal(t, v.Message, got.String())

			want := v.Fields.message()
			equal(t, true, want.IssuedAt.Equal(got.IssuedAt))
			rebuilt, err := siwe.Build(want) // the fields, in our spelling of the times
			ok(t, err)
			again, err := siwe.Parse(rebuilt)
			ok(t, err)
			again.IssuedAt, got.IssuedAt = time.Time{}, time.Time{}
			equal(t, again.String(), got.String())
		})
	}
}

func TestVectorsRefuse(t *testing.T) {
	field := map[string]string{ // the field that a refusal names, where the vector's name says it
		"missing domain": siwe.FieldDomain, "missing address": siwe.FieldAddress, "missing uri": siwe.FieldURI,
		"missing version": siwe.FieldVersion, "missing chainId": siwe.FieldChainID, "missing nonce": siwe.FieldNonce,
		"missing issuedAt": siwe.FieldIssuedAt, "address not EIP-55": siwe.FieldAddress, "version not 1": siwe.FieldVersion,
		"not a valid chainId": siwe.FieldChainID, "nonce with less then 8 chars": siwe.FieldNonce,
		"statement has line break": siwe.FieldStatement, "domain not RFC4501 authority": siwe.FieldDomain,
		"uri is non-RFC 3986": siwe.FieldURI, "non-ISO 8601 issuedAt": siwe.FieldIssuedAt,
		"non-ISO 8601 expirationTime": siwe.FieldExpirationTime, "non-ISO 8601 notBefore": siwe.FieldNotBefore,
		"first resource not-RFC 3986": siwe.FieldResources, "second resource is not-RFC3986": siwe.FieldResources,
	}
	for name, text := range vectors[string](t, "parsing_negative.json") {
		t.Run(name, func(t *testing.T) {
			_, err := siwe.Parse(text)
			if want, named := field[name]; named {
				refused(t, err, want, siwe.Malformed)
			}
			equal(t, true, err != nil)
		})
	}
}

func TestVectorsBuildRefuses(t *testing.T) {
	// A Go message has its address as bytes and a version that may be left
	// out, so these cannot be said in one.
	inexpressible := map[string]bool{"missing address": true, "address not EIP-55": true, "missing version": true}
	for name, f := range vectors[vectorFields](t, "parsing_negative_objects.json") {
		if inexpressible[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			_, err := siwe.Build(f.message())
			equal(t, true, err != nil)
		})
	}
}

func TestVectorsVerify(t *testing.T) {
	for name, f := range vectors[vectorFields](t, "verification_positive.json") {
		t.Run(name, func(t *testing.T) {
			m := f.message()
			text := build(t, m)
			// The signatures are over the spelling of the vector.
			text = respell(t, text, f)
			at := m.IssuedAt
			if f.Time != "" {
				at, _ = time.Parse(time.RFC3339, f.Time)
			}
			exp := siwe.Expectation{
				Domain: m.Domain, Origin: m.URI, Chains: []uint64{1}, Now: at, MaxAge: 200 * 365 * 24 * time.Hour,
				Nonce: func(string) error { return nil },
			}
			account, _, err := siwe.Verify(context.Background(), text, f.Signature, exp)
			if name == "expired message" {
				// Its signature is good, but it was issued two years after the
				// vector's time and one year after its own expiry: the vector
				// ignores the first, we check both.
				refused(t, err, siwe.FieldIssuedAt, siwe.Rejected)
				exp.Now = m.IssuedAt
				_, _, err = siwe.Verify(context.Background(), text, f.Signature, exp)
				refused(t, err, siwe.FieldExpirationTime, siwe.Rejected)
				return
			}
			ok(t, err)
			equal(t, siwe.EOA, account.Kind)
			equal(t, "eip155:"+f.Address, account.Subject())
		})
	}
}

// respell puts the vector's own spelling of each time into a text.
func respell(t *testing.T, text string, f vectorFields) string {
	t.Helper()
	for label, s := range map[string]*string{"Issued At": &f.IssuedAt, "Expiration Time": f.ExpirationTime, "Not Before": f.NotBefore} {
		if s != nil {
			text = regexp.MustCompile(`\n`+label+`: [^\n]+`).ReplaceAllString(text, "\n"+label+": "+*s)
		}
	}
	return text
}
