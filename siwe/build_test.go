package siwe_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/latchkey/latchkey/siwe"
)

func TestBuildWritesTheText(t *testing.T) {
	m := siwe.Message{
		Scheme: "https", Domain: "app.example.com", Address: common.HexToAddress("0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"),
		Statement: "Sign in to the example.", URI: "https://app.example.com/login", ChainID: 1, Nonce: "abcdefgh12345678",
		IssuedAt: now.In(time.FixedZone("", 3600)), ExpirationTime: ptr(now.Add(10 * time.Minute)), NotBefore: ptr(now),
		RequestID: ptr("req-1"), Resources: []string{"https://app.example.com/terms", "urn:a:b"},
	}
	equal(t, full, build(t, m))
}

// injections try to end a field and start another, or to hide something.
var injections = []string{
	"\n", "\r", "\r\n", "\nURI: https://evil.example", "\n\nURI: https://evil.example", "\x00", "\t", "\x1b[2K", "\x7f",
	"\u0085", "\u2028", "\u2029", "\u202e", "\u2066", "\u200b", "\u00ad", "\ufeff", "\u00a0", "\xff", "\xc0\x8a", "\xed\xa0\x80",
	"\nNonce: aaaaaaaaaaaaaaaa", "\nResources:\n- https://evil.example", "\nRequest ID: x",
	" wants you to sign in with your Ethereum account:\n0x0000000000000000000000000000000000000001\n\nx",
}

func TestBuildRefusesInjection(t *testing.T) {
	_, address := key(t, 1)
	for field, set := range map[string]func(m *siwe.Message, s string){
		siwe.FieldScheme:    func(m *siwe.Message, s string) { m.Scheme = "https" + s },
		siwe.FieldDomain:    func(m *siwe.Message, s string) { m.Domain += s },
		siwe.FieldStatement: func(m *siwe.Message, s string) { m.Statement += s },
		siwe.FieldURI:       func(m *siwe.Message, s string) { m.URI += s },
		siwe.FieldVersion:   func(m *siwe.Message, s string) { m.Version = "1" + s },
		siwe.FieldNonce:     func(m *siwe.Message, s string) { m.Nonce += s },
		siwe.FieldRequestID: func(m *siwe.Message, s string) { m.RequestID = &s },
		siwe.FieldResources: func(m *siwe.Message, s string) { m.Resources = []string{"urn:a:b", "urn:a:b" + s} },
	} {
		for _, s := range injections {
			if field == siwe.FieldStatement && s[0] == ' ' {
				_, rest, _ := strings.Cut(s, "\n") // a statement may have the words of the header
				s = "\n" + rest
			}
			m := message(address)
			set(&m, s)
			_, err := siwe.Build(m)
			refused(t, err, field, siwe.Malformed)
			m = message(address)
			set(&m, s+"x")
			_, err = siwe.Build(m)
			refused(t, err, field, siwe.Malformed)
		}
	}
}

func TestBuildRefusesFieldsOutsideTheGrammar(t *testing.T) {
	_, address := key(t, 1)
	for name, c := range map[string]struct {
		set   func(*siwe.Message)
		field string
	}{
		"no domain":           {func(m *siwe.Message) { m.Domain = "" }, siwe.FieldDomain},
		"domain with scheme":  {func(m *siwe.Message) { m.Domain = "https://app.example.com" }, siwe.FieldDomain},
		"no URI":              {func(m *siwe.Message) { m.URI = "" }, siwe.FieldURI},
		"no nonce":            {func(m *siwe.Message) { m.Nonce = "" }, siwe.FieldNonce},
		"short nonce":         {func(m *siwe.Message) { m.Nonce = "abcdefg" }, siwe.FieldNonce},
		"chain 0":             {func(m *siwe.Message) { m.ChainID = 0 }, siwe.FieldChainID},
		"chain 2^63":          {func(m *siwe.Message) { m.ChainID = 1 << 63 }, siwe.FieldChainID},
		"chain 2^64-1":        {func(m *siwe.Message) { m.ChainID = math.MaxUint64 }, siwe.FieldChainID},
		"version 2":           {func(m *siwe.Message) { m.Version = "2" }, siwe.FieldVersion},
		"no time":             {func(m *siwe.Message) { m.IssuedAt = time.Time{} }, siwe.FieldIssuedAt},
		"year 10000":          {func(m *siwe.Message) { m.IssuedAt = now.AddDate(8000, 0, 0) }, siwe.FieldIssuedAt},
		"year -1":             {func(m *siwe.Message) { m.ExpirationTime = ptr(now.AddDate(-2027, 0, 0)) }, siwe.FieldExpirationTime},
		"zero expiration":     {func(m *siwe.Message) { m.ExpirationTime = new(time.Time) }, siwe.FieldExpirationTime},
		"zero not-before":     {func(m *siwe.Message) { m.NotBefore = new(time.Time) }, siwe.FieldNotBefore},
		"empty resource":      {func(m *siwe.Message) { m.Resources = []string{""} }, siwe.FieldResources},
		"URI rewritten":       {func(m *siwe.Message) { m.URI = "HTTPS://app.example.com" }, siwe.FieldMessage},
		"longer than allowed": {func(m *siwe.Message) { m.Statement = strings.Repeat("a", siwe.MaxMessageBytes) }, siwe.FieldMessage},
	} {
		t.Run(name, func(t *testing.T) {
			m := message(address)
			c.set(&m)
			text, err := siwe.Build(m)
			refused(t, err, c.field, siwe.Malformed)
			equal(t, "", text)
		})
	}
}

func TestChangedMessageWritesItsNewTimes(t *testing.T) {
	m, err := siwe.Parse(strings.Replace(full, "At: 2026-03-14T15:09:26Z", "At: 2026-03-14T17:09:26.000+02:00", 1))
	ok(t, err)
	m.IssuedAt = m.IssuedAt.Add(time.Second)
	equal(t, true, strings.Contains(m.String(), "\nIssued At: 2026-03-14T15:09:27Z\n"))
}
