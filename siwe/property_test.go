package siwe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"github.com/latchkey/latchkey/siwe"
)

// times have up to nine digits of a second and a zone, as both may be given.
var times = rapid.Custom(func(t *rapid.T) time.Time {
	zone := time.FixedZone("", 60*rapid.IntRange(-23*60, 23*60).Draw(t, "zone"))
	return time.Unix(rapid.Int64Range(-1<<35, 1<<37).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).In(zone)
})

func optional[T any](g *rapid.Generator[T]) *rapid.Generator[*T] {
	return rapid.OneOf(rapid.Just[*T](nil), rapid.Custom(func(t *rapid.T) *T { return ptr(g.Draw(t, "value")) }))
}

// messages are of fields that are in the grammar, in all its corners.
var messages = rapid.Custom(func(t *rapid.T) siwe.Message {
	uri := rapid.StringMatching(`[a-z][a-z0-9+.-]{0,5}:(//[a-z0-9.]{1,10}(:[0-9]{1,4})?)?(/[a-zA-Z0-9._~!$&'()*+,;=:@-]{1,5}){0,2}(\?[a-z0-9=&/?]{1,8})?(#[a-z0-9/?]{1,8})?`)
	m := siwe.Message{
		Scheme:  rapid.StringMatching(`([a-zA-Z][a-zA-Z0-9+.-]{0,6})?`).Draw(t, "scheme"),
		Domain:  rapid.StringMatching(`([a-z0-9]{1,5}@)?([a-zA-Z0-9.-]{1,20}|\[::[0-9a-f]{1,4}\])(:[0-9]{1,5})?`).Draw(t, "domain"),
		Address: common.BytesToAddress(rapid.SliceOfN(rapid.Byte(), 20, 20).Draw(t, "address")),
		Statement: rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[ -~]{1,80}`), rapid.StringMatching(`[\p{L}\p{N}\p{P}\p{S} ]{1,20}`),
			rapid.SampledFrom([]string{"URI: https://x.example", "Request ID: ", "Resources:", " "})).Draw(t, "statement"),
		HasStatement: rapid.Bool().Draw(t, "has statement"),
		URI:          uri.Draw(t, "uri"), ChainID: rapid.Uint64Range(1, 1<<63-1).Draw(t, "chain"),
		Nonce: rapid.StringMatching(`[a-zA-Z0-9]{8,60}`).Draw(t, "nonce"), IssuedAt: times.Draw(t, "issued"),
		ExpirationTime: optional(times).Draw(t, "expires"), NotBefore: optional(times).Draw(t, "not before"),
		RequestID: optional(rapid.StringMatching(`([a-zA-Z0-9._~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2}){0,10}`)).Draw(t, "request id"),
		Resources: rapid.OneOf(rapid.Just[[]string](nil), rapid.SliceOfN(uri, 0, 4)).Draw(t, "resources"),
	}
	return m
})

func TestBuildParseBuild(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := messages.Draw(t, "message")
		text, err := siwe.Build(m)
		if err != nil {
			t.Skip("package url has its own ideas of a URI") // rapid draws another, and fails if most are like that
		}
		got, err := siwe.Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if got.String() != text {
			t.Fatalf("want %q\n got %q", text, got)
		}
		again, err := siwe.Build(*got)
		if err != nil || again != text {
			t.Fatalf("%v\nwant %q\n got %q", err, text, again)
		}
		if got.Domain != m.Domain || got.Address != m.Address || got.Statement != m.Statement || got.URI != m.URI || got.ChainID != m.ChainID ||
			got.Nonce != m.Nonce || !got.IssuedAt.Equal(m.IssuedAt) || len(got.Resources) != len(m.Resources) || got.Scheme != m.Scheme {
			t.Fatalf("want %+v\n got %+v", m, *got)
		}
	})
}

// Any text at all that can be put in a field is refused, or it stays in that
// field: it is never read as another one.
func TestBuildKeepsTextInItsField(t *testing.T) {
	_, address := key(t, 1)
	hostile := rapid.OneOf(rapid.String(), rapid.SampledFrom(injections), rapid.StringMatching(`[ -~\n]{0,30}`))
	rapid.Check(t, func(t *rapid.T) {
		m := message(address)
		m.RequestID = ptr("id")
		s := rapid.Custom(func(t *rapid.T) string {
			return hostile.Draw(t, "head") + rapid.SampledFrom([]string{"", "\nURI: https://evil.example", "\n\n"}).Draw(t, "middle") + hostile.Draw(t, "tail")
		}).Draw(t, "text")
		field := rapid.SampledFrom([]*string{&m.Scheme, &m.Domain, &m.Statement, &m.URI, &m.Nonce, m.RequestID}).Draw(t, "field")
		*field = s
		text, err := siwe.Build(m)
		if err != nil {
			return
		}
		got, err := siwe.Parse(text)
		if err != nil || strings.ContainsAny(s, "\n\r\x00") {
			t.Fatalf("built %q: %v", text, err)
		}
		if got.Scheme != m.Scheme || got.Domain != m.Domain || got.Statement != m.Statement || got.URI != m.URI || got.Nonce != m.Nonce || *got.RequestID != *m.RequestID {
			t.Fatalf("%q was read as %+v", text, got)
		}
	})
}

// One bit flipped in a message or its signature is never accepted as it was.
func TestNothingButWhatWasSigned(t *testing.T) {
	k, address := key(t, 1)
	text := build(t, message(address))
	sig := personalSign(t, k, text)
	rapid.Check(t, func(t *rapid.T) {
		changedText, changedSig := []byte(text), append([]byte(nil), sig...)
		target := rapid.SampledFrom([][]byte{changedText, changedSig}).Draw(t, "target")
		for range rapid.IntRange(1, 3).Draw(t, "changes") {
			target[rapid.IntRange(0, len(target)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		if string(changedText) == text && string(changedSig) == string(sig) {
			return
		}
		if _, _, err := siwe.Verify(t.Context(), string(changedText), "0x"+common.Bytes2Hex(changedSig), expectation()); err == nil {
			t.Fatalf("accepted %q, %x", changedText, changedSig)
		}
	})
}
