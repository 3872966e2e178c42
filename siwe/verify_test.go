package siwe_test

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/siwe"
)

func TestVerifyExpectations(t *testing.T) {
	k, address := key(t, 1)
	for name, c := range map[string]struct {
		message func(*siwe.Message)
		exp     func(*siwe.Expectation)
		field   string // "" where it is accepted
	}{
		"as asked":                      {},
		"domain of another":             {message: func(m *siwe.Message) { m.Domain = "evil.example" }, field: siwe.FieldDomain},
		"domain with userinfo":          {message: func(m *siwe.Message) { m.Domain = "app.example.com@evil.example" }, field: siwe.FieldDomain},
		"domain behind userinfo":        {message: func(m *siwe.Message) { m.Domain = "x@app.example.com" }, field: siwe.FieldDomain},
		"domain with its default port":  {message: func(m *siwe.Message) { m.Domain = "app.example.com:443" }, field: siwe.FieldDomain},
		"domain with an empty port":     {message: func(m *siwe.Message) { m.Domain = "app.example.com:" }, field: siwe.FieldDomain},
		"domain with a trailing dot":    {message: func(m *siwe.Message) { m.Domain = "app.example.com." }, field: siwe.FieldDomain},
		"domain in capitals":            {message: func(m *siwe.Message) { m.Domain = "APP.example.com" }, field: siwe.FieldDomain},
		"domain above":                  {message: func(m *siwe.Message) { m.Domain = "example.com" }, field: siwe.FieldDomain},
		"domain below":                  {message: func(m *siwe.Message) { m.Domain = "x.app.example.com" }, field: siwe.FieldDomain},
		"no domain expected":            {exp: func(e *siwe.Expectation) { e.Domain = "" }, field: siwe.FieldDomain},
		"URI is the origin":             {message: func(m *siwe.Message) { m.URI = "https://app.example.com" }},
		"URI with a path":               {message: func(m *siwe.Message) { m.URI = "https://app.example.com/" }},
		"URI with a query":              {message: func(m *siwe.Message) { m.URI = "https://app.example.com?a=b" }},
		"URI with a fragment":           {message: func(m *siwe.Message) { m.URI = "https://app.example.com#top" }},
		"URI of another origin":         {message: func(m *siwe.Message) { m.URI = "https://evil.example/login" }, field: siwe.FieldURI},
		"URI of a longer host":          {message: func(m *siwe.Message) { m.URI = "https://app.example.com.evil.example" }, field: siwe.FieldURI},
		"URI with the origin as user":   {message: func(m *siwe.Message) { m.URI = "https://app.example.com@evil.example" }, field: siwe.FieldURI},
		"URI with the origin as login":  {message: func(m *siwe.Message) { m.URI = "https://app.example.com:x@evil.example" }, field: siwe.FieldURI},
		"URI with a port":               {message: func(m *siwe.Message) { m.URI = "https://app.example.com:8443/" }, field: siwe.FieldURI},
		"URI with its default port":     {message: func(m *siwe.Message) { m.URI = "https://app.example.com:443/" }, field: siwe.FieldURI},
		"URI with a trailing dot":       {message: func(m *siwe.Message) { m.URI = "https://app.example.com./" }, field: siwe.FieldURI},
		"URI of another scheme":         {message: func(m *siwe.Message) { m.URI = "http://app.example.com/login" }, field: siwe.FieldURI},
		"URI without an authority":      {message: func(m *siwe.Message) { m.URI = "https:app.example.com" }, field: siwe.FieldURI},
		"URI is a URN":                  {message: func(m *siwe.Message) { m.URI = "urn:app.example.com" }, field: siwe.FieldURI},
		"no origin expected":            {exp: func(e *siwe.Expectation) { e.Origin = "" }, field: siwe.FieldURI},
		"origin without a scheme":       {exp: func(e *siwe.Expectation) { e.Origin = "app.example.com" }, field: siwe.FieldURI},
		"scheme of the origin":          {message: func(m *siwe.Message) { m.Scheme = "https" }},
		"another scheme":                {message: func(m *siwe.Message) { m.Scheme = "http" }, field: siwe.FieldScheme},
		"scheme in capitals":            {message: func(m *siwe.Message) { m.Scheme = "HTTPS" }, field: siwe.FieldScheme},
		"another accepted chain":        {message: func(m *siwe.Message) { m.ChainID = 1337 }},
		"chain not accepted":            {message: func(m *siwe.Message) { m.ChainID = 10 }, field: siwe.FieldChainID},
		"largest chain":                 {message: func(m *siwe.Message) { m.ChainID = 1<<63 - 1 }, field: siwe.FieldChainID},
		"no chain accepted":             {exp: func(e *siwe.Expectation) { e.Chains = nil }, field: siwe.FieldChainID},
		"another nonce":                 {message: func(m *siwe.Message) { m.Nonce = "abcdefgh12345679" }, field: siwe.FieldNonce},
		"no nonce check":                {exp: func(e *siwe.Expectation) { e.Nonce = nil }, field: siwe.FieldNonce},
		"request id not asked for":      {message: func(m *siwe.Message) { m.RequestID = ptr("x") }},
		"request id as asked":           {message: func(m *siwe.Message) { m.RequestID = ptr("x") }, exp: func(e *siwe.Expectation) { e.RequestID = ptr("x") }},
		"another request id":            {message: func(m *siwe.Message) { m.RequestID = ptr("y") }, exp: func(e *siwe.Expectation) { e.RequestID = ptr("x") }, field: siwe.FieldRequestID},
		"request id missing":            {exp: func(e *siwe.Expectation) { e.RequestID = ptr("") }, field: siwe.FieldRequestID},
		"issued just now":               {message: func(m *siwe.Message) { m.IssuedAt = now }},
		"issued within the skew":        {message: func(m *siwe.Message) { m.IssuedAt = now.Add(siwe.DefaultSkew) }},
		"issued in the future":          {message: func(m *siwe.Message) { m.IssuedAt = now.Add(siwe.DefaultSkew + 1) }, field: siwe.FieldIssuedAt},
		"issued in the far future":      {message: func(m *siwe.Message) { m.IssuedAt = now.AddDate(5000, 0, 0) }, field: siwe.FieldIssuedAt},
		"issued as long ago as allowed": {message: func(m *siwe.Message) { m.IssuedAt = now.Add(-10 * time.Minute) }},
		"issued too long ago":           {message: func(m *siwe.Message) { m.IssuedAt = now.Add(-10*time.Minute - 1) }, field: siwe.FieldIssuedAt},
		"issued long ago":               {message: func(m *siwe.Message) { m.IssuedAt = time.Unix(0, 0) }, field: siwe.FieldIssuedAt},
		"issued too long ago, but not expired": {
			message: func(m *siwe.Message) {
				m.IssuedAt = now.AddDate(-1, 0, 0)
				m.ExpirationTime = ptr(now.AddDate(1, 0, 0))
			},
			field: siwe.FieldIssuedAt,
		},
		"own window": {
			message: func(m *siwe.Message) { m.IssuedAt = now.Add(-time.Hour) },
			exp:     func(e *siwe.Expectation) { e.MaxAge = time.Hour },
		},
		"own skew":              {message: func(m *siwe.Message) { m.IssuedAt = now.Add(2) }, exp: func(e *siwe.Expectation) { e.Skew = 1 }, field: siwe.FieldIssuedAt},
		"no time given":         {exp: func(e *siwe.Expectation) { e.Now = time.Time{} }, field: siwe.FieldIssuedAt},
		"expires later":         {message: func(m *siwe.Message) { m.ExpirationTime = ptr(now.Add(1)) }},
		"expires now":           {message: func(m *siwe.Message) { m.ExpirationTime = ptr(now) }, field: siwe.FieldExpirationTime},
		"expired":               {message: func(m *siwe.Message) { m.ExpirationTime = ptr(now.Add(-1)) }, field: siwe.FieldExpirationTime},
		"expires before issued": {message: func(m *siwe.Message) { m.ExpirationTime = ptr(m.IssuedAt.Add(-1)) }, field: siwe.FieldExpirationTime},
		"expires before issued, both ahead": {
			message: func(m *siwe.Message) {
				m.IssuedAt = now.Add(30 * time.Second)
				m.ExpirationTime = ptr(now.Add(time.Second))
			},
			field: siwe.FieldExpirationTime,
		},
		"valid from now":        {message: func(m *siwe.Message) { m.NotBefore = ptr(now) }},
		"valid within the skew": {message: func(m *siwe.Message) { m.NotBefore = ptr(now.Add(siwe.DefaultSkew)) }},
		"not yet valid":         {message: func(m *siwe.Message) { m.NotBefore = ptr(now.Add(siwe.DefaultSkew + 1)) }, field: siwe.FieldNotBefore},
		"issued and valid at the edge of the skew": {
			message: func(m *siwe.Message) {
				m.IssuedAt, m.NotBefore = now.Add(siwe.DefaultSkew), ptr(now.Add(siwe.DefaultSkew))
			},
		},
		"own skew, not yet valid": {
			message: func(m *siwe.Message) { m.NotBefore = ptr(now.Add(2)) },
			exp:     func(e *siwe.Expectation) { e.Skew = 1 }, field: siwe.FieldNotBefore,
		},
		"own skew, valid": {
			message: func(m *siwe.Message) { m.NotBefore = ptr(now.Add(1)) },
			exp:     func(e *siwe.Expectation) { e.Skew = 1 },
		},
		"valid until just after it begins": {
			message: func(m *siwe.Message) {
				m.NotBefore, m.ExpirationTime = ptr(now.Add(1)), ptr(now.Add(2))
			},
		},
		"expires as it begins, both within the skew": {
			message: func(m *siwe.Message) {
				m.NotBefore, m.ExpirationTime = ptr(now.Add(1)), ptr(now.Add(1))
			},
			field: siwe.FieldNotBefore,
		},
		"without a statement": {message: func(m *siwe.Message) { m.Statement = "" }},
		"with resources":      {message: func(m *siwe.Message) { m.Resources = []string{"ipfs://x", "urn:a:b"} }},
	} {
		t.Run(name, func(t *testing.T) {
			m, exp := message(address), expectation()
			if c.message != nil {
				c.message(&m)
			}
			if c.exp != nil {
				c.exp(&exp)
			}
			text := build(t, m)
			account, got, err := siwe.Verify(t.Context(), text, signHex(t, k, text), exp)
			if c.field != "" {
				refused(t, err, c.field, siwe.Rejected)
				equal(t, siwe.Account{}, account)
				equal(t, true, got == nil)
				return
			}
			ok(t, err)
			equal(t, siwe.Account{Address: address, ChainID: m.ChainID, Kind: siwe.EOA}, account)
			equal(t, text, got.String())
		})
	}
}

func TestVerifySignatures(t *testing.T) {
	k, address := key(t, 1)
	stranger, _ := key(t, 2)
	text := build(t, message(address))
	sig := personalSign(t, k, text)
	with := func(change func([]byte)) string {
		c := append([]byte(nil), sig...)
		change(c)
		return hexutil.Encode(c)
	}
	order := crypto.S256().Params().N
	highS := with(func(b []byte) {
		new(big.Int).Sub(order, new(big.Int).SetBytes(b[32:64])).FillBytes(b[32:64])
		b[64] = 27 + 28 - b[64]
	})
	const malformed, rejected = siwe.Malformed, siwe.Rejected
	for name, c := range map[string]struct {
		signature string
		kind      siwe.ErrorKind // 0 where it is accepted
	}{
		"as signed":                 {hexutil.Encode(sig), 0},
		"recovery byte from 0":      {with(func(b []byte) { b[64] -= 27 }), 0},
		"digits in capitals":        {"0x" + strings.ToUpper(hexutil.Encode(sig)[2:]), 0},
		"recovery byte 2":           {with(func(b []byte) { b[64] = 2 }), rejected},
		"recovery byte 26":          {with(func(b []byte) { b[64] = 26 }), rejected},
		"recovery byte 29":          {with(func(b []byte) { b[64] = 29 }), rejected},
		"recovery byte 37, EIP-155": {with(func(b []byte) { b[64] += 10 }), rejected},
		"recovery byte 31, Safe's":  {with(func(b []byte) { b[64] += 4 }), rejected},
		"recovery byte 54":          {with(func(b []byte) { b[64] = 54 }), rejected}, // 0 modulo 27
		"recovery byte 255":         {with(func(b []byte) { b[64] = 255 }), rejected},
		"the other recovery byte":   {with(func(b []byte) { b[64] = 27 + 28 - b[64] }), rejected},
		"high s":                    {highS, rejected},
		"r is 0":                    {with(func(b []byte) { clear(b[:32]) }), rejected},
		"s is 0":                    {with(func(b []byte) { clear(b[32:64]) }), rejected},
		"r is the order":            {with(func(b []byte) { order.FillBytes(b[:32]) }), rejected},
		"s is the order":            {with(func(b []byte) { order.FillBytes(b[32:64]) }), rejected},
		"zeros":                     {with(func(b []byte) { clear(b) }), rejected},
		"ones":                      {"0x" + strings.Repeat("ff", 65), rejected},
		"a stranger's":              {signHex(t, stranger, text), rejected},
		"of another text":           {signHex(t, k, text+" "), rejected},
		"none":                      {"", malformed},
		"empty":                     {"0x", malformed},
		"one byte":                  {"0x00", malformed},
		"half a byte":               {"0x0", malformed},
		"no prefix":                 {hexutil.Encode(sig)[2:], malformed},
		"prefix in capitals":        {"0X" + hexutil.Encode(sig)[2:], malformed},
		"two prefixes":              {"0x" + hexutil.Encode(sig), malformed},
		"not hexadecimal":           {"0x" + strings.Repeat("zz", 65), malformed},
		"white space":               {hexutil.Encode(sig) + "\n", malformed},
		"64 bytes, EIP-2098":        {hexutil.Encode(sig[:64]), malformed},
		"66 bytes":                  {hexutil.Encode(append(sig[:65:65], 0)), malformed},
		"16 KiB":                    {"0x" + strings.Repeat("00", siwe.MaxSignatureBytes), malformed},
		"16 KiB and one byte":       {"0x" + strings.Repeat("00", siwe.MaxSignatureBytes+1), malformed},
		"10 MB":                     {"0x" + strings.Repeat("0", 10<<20), malformed},
		"wrapped by ERC-6492":       {hexutil.Encode(wrap(t, common.Address{1}, nil, sig)), malformed},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := siwe.Verify(t.Context(), text, c.signature, expectation())
			if c.kind == 0 {
				ok(t, err)
				return
			}
			refused(t, err, siwe.FieldSignature, c.kind)
		})
	}
}

// verifierFunc is a ContractVerifier.
type verifierFunc func() error

func (f verifierFunc) VerifyContract(context.Context, uint64, common.Address, common.Hash, []byte) error {
	return f()
}

func TestVerifyAsksTheChainOnlyIfItMust(t *testing.T) {
	k, address := key(t, 1)
	stranger, _ := key(t, 2)
	text := build(t, message(address))
	asked := 0
	exp := expectation()
	exp.Contracts = verifierFunc(func() error { asked++; return nil })

	account, _, err := siwe.Verify(t.Context(), text, signHex(t, k, text), exp)
	ok(t, err)
	equal(t, siwe.EOA, account.Kind)
	high := personalSign(t, k, text)
	new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(high[32:64])).FillBytes(high[32:64])
	high[64] = 27 + 28 - high[64]
	_, _, err = siwe.Verify(t.Context(), text, hexutil.Encode(high), exp)
	refused(t, err, siwe.FieldSignature, siwe.Rejected) // no second chance as a contract
	for _, spoil := range []func(*siwe.Expectation){
		func(e *siwe.Expectation) { e.Domain = "x" }, func(e *siwe.Expectation) { e.Now = now.AddDate(1, 0, 0) },
		func(e *siwe.Expectation) { e.Nonce = func(string) error { return errors.New("used") } },
	} {
		e := exp
		spoil(&e)
		_, _, err = siwe.Verify(t.Context(), text, signHex(t, stranger, text), e)
		equal(t, true, err != nil)
	}
	equal(t, 0, asked)

	account, _, err = siwe.Verify(t.Context(), text, signHex(t, stranger, text), exp)
	ok(t, err)
	equal(t, siwe.Contract, account.Kind)
	equal(t, "eip155:1:"+address.Hex(), account.Subject())
	equal(t, 1, asked)
}

func TestVerifyPassesErrorsOn(t *testing.T) {
	k, address := key(t, 1)
	stranger, _ := key(t, 2)
	text := build(t, message(address))
	cause := errors.New("cause")
	own := &siwe.Error{Field: siwe.FieldNonce, Kind: siwe.Unavailable, Reason: "the store is down"}

	exp := expectation()
	exp.Nonce = func(string) error { return cause }
	_, _, err := siwe.Verify(t.Context(), text, signHex(t, k, text), exp)
	refused(t, err, siwe.FieldNonce, siwe.Rejected)
	equal(t, true, errors.Is(err, cause))
	exp.Nonce = func(string) error { return own }
	_, _, err = siwe.Verify(t.Context(), text, signHex(t, k, text), exp)
	equal[error](t, own, err)

	exp = expectation()
	exp.Contracts = verifierFunc(func() error { return cause })
	_, _, err = siwe.Verify(t.Context(), text, signHex(t, stranger, text), exp)
	e := refused(t, err, siwe.FieldSignature, siwe.Unavailable)
	equal(t, true, errors.Is(err, cause) && e.RetryAfter > 0)
}

func TestVerifyHashesTheBytesReceived(t *testing.T) {
	// Both texts say the same instant. Each is signed as it is spelled.
	k, address := key(t, 1)
	m := message(address)
	m.IssuedAt = now
	a := build(t, m)
	b := strings.Replace(a, "2026-03-14T15:09:26Z", "2026-03-14T16:09:26.000+01:00", 1)
	equal(t, false, a == b)
	for _, text := range []string{a, b} {
		_, _, err := siwe.Verify(t.Context(), text, signHex(t, k, text), expectation())
		ok(t, err)
	}
	_, _, err := siwe.Verify(t.Context(), a, signHex(t, k, b), expectation())
	refused(t, err, siwe.FieldSignature, siwe.Rejected)
}
