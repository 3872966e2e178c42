package oauth

import (
	"bytes"
	"encoding/json"
	"math"
	"net/url"
	"strings"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
)

const (
	maxSubject     = 255 // OpenID Connect Core section 2: ASCII characters
	maxDisplayName = 128 // runes
	maxAvatarURL   = 1024
	maxCode        = 2048 // bytes of an authorization code
)

// Object is a JSON object whose members are looked up by their exact names.
// Decoding into a struct matches names case-insensitively, so that a claim
// `Email_Verified` would be taken for `email_verified`.
type Object map[string]json.RawMessage

// ParseObject reads a JSON object; false for anything else.
func ParseObject(data []byte) (Object, bool) {
	var o Object
	if err := json.Unmarshal(data, &o); err != nil || o == nil {
		return nil, false
	}
	return o, true
}

// Text returns a string member, or "" when it is absent or no string.
func (o Object) Text(name string) string {
	var s string
	if raw, ok := o[name]; !ok || json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// Has reports whether the member is present and not null.
func (o Object) Has(name string) bool {
	raw, ok := o[name]
	return ok && !bytes.Equal(raw, []byte("null"))
}

// IsTrue reports whether the member is the JSON boolean true. The string "true"
// or the number 1 are not what OpenID Connect documents, and a provider that
// strays there may mean anything by "false" too.
func (o Object) IsTrue(name string) bool { return bytes.Equal(o[name], []byte("true")) }

// Number returns a member that is a JSON number, without its fraction. One that
// does not fit is none.
func (o Object) Number(name string) (int64, bool) {
	var n json.Number
	if raw := o[name]; len(raw) == 0 || raw[0] == '"' || json.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	f, err := n.Float64()
	if err != nil || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// Texts returns a member that is a string or an array of strings.
func (o Object) Texts(name string) []string {
	if s := o.Text(name); s != "" {
		return []string{s}
	}
	var list []string
	if raw, ok := o[name]; !ok || json.Unmarshal(raw, &list) != nil {
		return nil
	}
	return list
}

// Claims is what a provider said about the person, for the policy that decides
// whether it is an authority for the address. All of it is from one payload:
// an address from one and a flag from another say nothing together.
type Claims struct {
	Subject       string
	Email         string // canonical, or ""
	Reported      bool   // there was an address
	EmailVerified bool   // the provider says so in its documented way
	FlagPresent   bool   // it says whether it is
	HostedDomain  string // Google's `hd`, as it came
}

// ReadClaims reads the claims of one payload. verified reports whether it says
// that its address is verified, said whether it says anything of that.
func ReadClaims(o Object, verified, said bool) Claims {
	c := Claims{Subject: o.Text("sub"), HostedDomain: o.Text("hd"), Reported: o.Text("email") != ""}
	if address, err := identity.CanonicalEmail(o.Text("email")); err == nil {
		c.Email = address
		c.EmailVerified, c.FlagPresent = verified, said
	}
	return c
}

// Claim adds to a proof what the provider says of the person's address. One that
// is not said to be verified or not keeps what it vouched for before.
func (c Claims) Claim(p *identity.Proof, authoritative bool) {
	p.Email, p.EmailAuthoritative, p.Reported = c.Email, c.EmailVerified && authoritative, c.Reported
	if c.Email != "" && !c.FlagPresent {
		p.Kept = []string{c.Email}
	}
}

// validSubject reports whether s can name a person: printable ASCII, not too long.
func validSubject(s string) bool {
	return s != "" && len(s) <= maxSubject && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f })
}

// AvatarURL returns an https URL of printable ASCII, or "". Latchkey never
// fetches it; a browser may.
func AvatarURL(s string) string {
	if len(s) > maxAvatarURL || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || !method.WebURL(u) {
		return ""
	}
	return u.String()
}

// usableCode spares the provider a request that cannot succeed.
func usableCode(code string) bool { return code != "" && len(code) <= maxCode }
