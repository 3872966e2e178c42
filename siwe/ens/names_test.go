package ens_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/latchkey/latchkey/siwe/ens"
)

var alice = common.HexToAddress("0xA11cEA11cEa11CEA11cea11ceA11cEA11ceA11cE")

// node is EIP-137's namehash, by its recursive definition.
func node(name string) common.Hash {
	if name == "" {
		return common.Hash{}
	}
	label, parent, _ := strings.Cut(name, ".")
	p := node(parent)
	return crypto.Keccak256Hash(p[:], crypto.Keccak256([]byte(label)))
}

func reverse(a common.Address) common.Hash { return node(hex.EncodeToString(a[:]) + ".addr.reverse") }

// claim has an account call itself something.
func (m *mainnet) claim(t testing.TB, a common.Address, name string) {
	t.Helper()
	resolver := m.deploy(t, "Resolver")
	m.send(t, registry, "setResolver(bytes32,address)", reverse(a), resolver)
	m.send(t, resolver, "setName(bytes32,string)", reverse(a), name)
}

// own has a name belong to an account.
func (m *mainnet) own(t testing.TB, a common.Address, name, avatar string) (resolver common.Address) {
	t.Helper()
	resolver = m.deploy(t, "Resolver")
	m.send(t, registry, "setResolver(bytes32,address)", node(name), resolver)
	m.send(t, resolver, "setAddr(bytes32,address)", node(name), a)
	m.send(t, resolver, "setText(bytes32,string,string)", node(name), "avatar", avatar)
	return resolver
}

func newResolver(t testing.TB, opts ens.Options, urls ...string) *ens.Resolver {
	t.Helper()
	r, err := ens.New(urls, opts)
	ok(t, err)
	t.Cleanup(r.Close)
	return r
}

func lookup(t testing.TB, r *ens.Resolver, a common.Address) ens.Profile {
	t.Helper()
	p, err := r.Lookup(t.Context(), a)
	ok(t, err)
	return p
}

func TestName(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	equal(t, ens.Profile{}, lookup(t, r, alice)) // has no reverse record

	m.claim(t, alice, "alice.eth")
	equal(t, ens.Profile{}, lookup(t, r, alice)) // there is no such name

	resolver := m.own(t, alice, "alice.eth", "https://pictures.example.com/alice.png")
	want := ens.Profile{Name: "alice.eth", AvatarURL: "https://pictures.example.com/alice.png"}
	equal(t, want, lookup(t, r, alice))

	mallory := common.Address{0x66}
	m.claim(t, mallory, "alice.eth")
	equal(t, ens.Profile{}, lookup(t, r, mallory)) // the name is another's

	m.send(t, resolver, "setAddr(bytes32,address)", node("alice.eth"), mallory)
	equal(t, ens.Profile{}, lookup(t, r, alice)) // sold, the reverse record left as it was
	equal(t, want, lookup(t, r, mallory))

	m.send(t, resolver, "setAddr(bytes32,address)", node("alice.eth"), common.Address{})
	m.claim(t, common.Address{}, "alice.eth")
	equal(t, ens.Profile{}, lookup(t, r, common.Address{})) // the zero address has no name
}

func TestParentsAndOtherRecordsDoNotCount(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	m.claim(t, alice, "alice.team.eth")
	// A wildcard resolver: it answers for all names below its own.
	parent := m.own(t, common.Address{1}, "team.eth", "")
	m.send(t, parent, "setAddr(bytes32,address)", node("alice.team.eth"), alice)
	equal(t, ens.Profile{}, lookup(t, r, alice))

	m.own(t, alice, "alice.team.eth", "https://example.com/a.png")
	equal(t, "alice.team.eth", lookup(t, r, alice).Name)
}

func TestWhatIsNotShown(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	for _, name := range []string{
		"", ".", "alice", "alice.", ".eth", "a..eth", "Alice.eth", "ALICE.ETH", "a b.eth", " alice.eth", "alice.eth\n",
		"<script>alert(1)</script>.eth", `"onload="x.eth`, "alice&amp;.eth", "a'b.eth", "a\\b.eth", "a/b.eth", "a:b.eth", "alice@x.eth",
		"ali\x00ce.eth", "ali\x1b[31mce.eth", "alice.eth\r\nSet-Cookie: a=b", "ali\u200bce.eth", "\u202ealice.eth", "ali\u2066ce.eth",
		"ali\u00adce.eth", "аlice.eth", "álice.eth", "👻.eth", "1\u20e3.eth", "ali\xffce.eth", "xn--alice-xya.eth", "ab--c.eth",
		"alice_.eth", "a_b.eth", "[0x00].eth", "0x" + strings.Repeat("ab", 20) + ".eth", strings.Repeat("a", 252) + ".eth",
		"https://alice.eth", "alice。eth",
	} {
		m.claim(t, alice, name)
		m.own(t, alice, name, "")
		if p := lookup(t, r, alice); p != (ens.Profile{}) {
			t.Errorf("%q is shown as %q", name, p)
		}
	}
	for _, name := range []string{
		"a.eth", "alice.eth", "0.eth", "a-b.eth", "-a-.eth", "---a.eth", "a$b.eth", "_a.eth", "___.eth", "_dmarc.alice.example.com",
		"0xabc.eth", strings.Repeat("a", 251) + ".eth",
	} {
		m.claim(t, alice, name)
		m.own(t, alice, name, "")
		equal(t, ens.Profile{Name: name}, lookup(t, r, alice))
	}
}

func TestAvatars(t *testing.T) {
	m := newMainnet(t, 1)
	r := newResolver(t, ens.Options{}, m.url(t))
	m.claim(t, alice, "alice.eth")
	long := "https://example.com/" + strings.Repeat("a", 1004)
	for record, want := range map[string]string{
		"https://example.com/a.png?b=c&d=%20#e":        "https://example.com/a.png?b=c&d=%20#e",
		"HTTPS://Example.com/A":                        "https://Example.com/A",
		"https://xn--bcher-kva.example/~a/@b,c;d=e(f)": "https://xn--bcher-kva.example/~a/@b,c;d=e(f)",
		long:       long,
		long + "a": "",
		"":         "", "alice.png": "", "//example.com/a": "", "https:": "", "https://": "", "https:example.com": "", "https:///a": "",
		"http://example.com/a.png": "", "javascript:alert(1)": "", "data:image/png;base64,AAAA": "", "file:///etc/passwd": "",
		"data:image/svg+xml,<svg/onload=alert(1)>": "", "blob:https://example.com/a": "", "view-source:https://example.com": "",
		"ipfs://QmRRPWG96cmgTn2qSzjwr2qvfNEuhunv6FNeMFGa9bx6mQ":        "",
		"eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d/0": "",
		"https://user@example.com/":                                    "",
		"https://user:pw@example.com/":                                 "",
		"https://example.com:8443/":                                    "",
		"https://example.com:/":                                        "",
		"https://example.com./":                                        "",
		"https://example/":                                             "",
		"https://localhost/a":                                          "",
		"https://a.localhost/a":                                        "",
		"https://printer.local/a":                                      "",
		"https://metadata.google.internal/":                            "",
		"https://127.0.0.1/":                                           "",
		"https://127.1/":                                               "",
		"https://2130706433/":                                          "",
		"https://169.254.169.254/latest":                               "",
		"https://1.0x7f000001/":                                        "",
		"https://[::1]/":                                               "",
		"https://[fe80::1%25eth0]/":                                    "",
		"https://-a.example.com/":                                      "",
		"https://a_b.example.com/":                                     "",
		"https://%65xample.com/":                                       "",
		"https://bücher.example/":                                      "",
		"https://example.com/%zz":                                      "",
		"https://example.com/ü":                                        "",
		" https://example.com/":                                        "",
		"https://example.com/a b":                                      "",
		"https://example.com/\n":                                       "",
		"https://example.com/\x00":                                     "",
		"https://example.com/\"><script>":                              "",
		"https://example.com/');x":                                     "",
		"https://example.com\\@evil.example/":                          "",
		"https://example.com/\u202egnp.exe":                            "",
		"https://" + strings.Repeat("a.", 130) + "example.com/":        "",
	} {
		m.own(t, alice, "alice.eth", record)
		if p := lookup(t, r, alice); p != (ens.Profile{Name: "alice.eth", AvatarURL: want}) {
			t.Errorf("%q: want %q, got %q", record, want, p)
		}
	}
}
