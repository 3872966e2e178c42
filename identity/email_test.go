package identity_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
)

func TestCanonicalEmail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for _, c := range []struct{ name, in, want string }{ // want "" means refused
		{"plain", "ada@example.com", "ada@example.com"},
		{"case of the local part", "Ada.L@example.com", "ada.l@example.com"},
		{"case of the domain", "ada@EXAMPLE.Com", "ada@example.com"},
		{"plus is kept", "ada+x@example.com", "ada+x@example.com"},
		{"dots are kept", "a.d.a@gmail.com", "a.d.a@gmail.com"},
		{"every character of an atom", "!#$%&'*+-/=?^_`{|}~09@example.com", "!#$%&'*+-/=?^_`{|}~09@example.com"},
		{"longest local part", long + "@example.com", long + "@example.com"},
		{"domain outside ASCII", "ada@bücher.example", "ada@xn--bcher-kva.example"},
		{"its ASCII form", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
		{"its upper case", "ada@BÜCHER.example", "ada@xn--bcher-kva.example"},
		{"its decomposed form", "ada@bu\u0308cher.example", "ada@xn--bcher-kva.example"},
		{"full-width domain", "ada@ｅｘａｍｐｌｅ.com", "ada@example.com"},
		{"ideographic dot", "ada@example。com", "ada@example.com"},
		// The Kelvin sign in a domain is a k to every resolver, too.
		{"Kelvin sign in the domain", "ada@\u212ayoto.example", "ada@kyoto.example"},

		{"Kelvin sign in the local part", "\u212aate@example.com", ""},
		{"dotted capital I in the local part", "ad\u0130@example.com", ""},
		{"any letter outside ASCII in the local part", "adä@example.com", ""},
		{"full-width letter in the local part", "ａda@example.com", ""},
		{"combining mark in the local part", "e\u0301@example.com", ""},
		{"no at", "ada.example.com", ""},
		{"nothing", "", ""},
		{"no local part", "@example.com", ""},
		{"no domain", "ada@", ""},
		{"two at", "ada@evil.example@example.com", ""},
		{"escaped at", `ada\@evil.example@example.com`, ""},
		{"percent route", "ada%example.com@", ""},
		{"quoted", `"ada"@example.com`, ""},
		{"quoted with at", `"ada@evil.example"@example.com`, ""},
		{"name and brackets", "Ada <ada@example.com>", ""},
		{"brackets", "<ada@example.com>", ""},
		{"comment", "ada(x)@example.com", ""},
		{"comment behind", "ada@example.com (x)", ""},
		{"list by comma", "ada@example.com,eve@evil.example", ""},
		{"list by semicolon", "ada@example.com;eve@evil.example", ""},
		{"list by space", "ada@example.com eve@evil.example", ""},
		{"group", "g:ada@example.com;", ""},
		{"leading space", " ada@example.com", ""},
		{"trailing space", "ada@example.com ", ""},
		{"no-break space", "ada@example.com\u00a0", ""},
		{"zero-width space", "ada\u200b@example.com", ""},
		{"newline", "ada@example.com\n", ""},
		{"header injection", "ada@example.com\r\nBcc: eve@evil.example", ""},
		{"NUL", "ada@example.com\x00", ""},
		{"NUL in the local part", "a\x00da@example.com", ""},
		{"invalid UTF-8", "ada@exam\xffple.com", ""},
		{"replacement character", "ada@exam\ufffdple.com", ""},
		{"leading dot", ".ada@example.com", ""},
		{"trailing dot of the local part", "ada.@example.com", ""},
		{"two dots", "a..da@example.com", ""},
		{"trailing dot", "ada@example.com.", ""},
		{"leading dot of the domain", "ada@.example.com", ""},
		{"two dots in the domain", "ada@example..com", ""},
		{"single label", "ada@localhost", ""},
		{"address literal", "ada@[192.0.2.1]", ""},
		{"IPv6 literal", "ada@[IPv6:2001:db8::1]", ""},
		{"underscore in the domain", "ada@ex_ample.com", ""},
		{"leading hyphen", "ada@-example.com", ""},
		{"slash in the domain", "ada@example.com/x", ""},
		{"port", "ada@example.com:25", ""},
		{"broken punycode", "ada@xn--zzzzzz99999.example", ""},
		{"punycode of ASCII", "ada@xn--example-.com", ""},
		{"right-to-left mark", "ada@exam\u200fple.com", ""},
		{"local part too long", long + "a@example.com", ""},
		{"label too long", "ada@" + strings.Repeat("b", 64) + ".com", ""},
		{"too long in all", "ada@" + strings.Repeat("b.", 124) + "com", ""},
		{"too long once in ASCII", long + "@" + strings.Repeat("ü.", 24) + "com", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := identity.CanonicalEmail(c.in)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("%q became %q, %v; want %q", c.in, got, err, c.want)
			}
			if err != nil && identity.ErrorCode(err) != identity.CodeInvalidEmail {
				t.Errorf("error is %v", err)
			}
		})
	}
}

// Letters that look alike make other domains, never the one they look like.
func TestHomographsAreOtherAddresses(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, address := range []string{
		"ada@paypal.example", "ada@p\u0430ypal.example", "ada@рaypal.example", "ada@paypa\u04cf.example", "ada@payp\u0251l.example", "ada@paypa1.example",
		"ada@straße.example", "ada@strasse.example", "ada@ı.example", "ada@i.example",
	} {
		got, err := identity.CanonicalEmail(address)
		if err != nil {
			continue // refused is unequal, too
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q are both %q", address, other, got)
		}
		seen[got] = address
	}
	if len(seen) < 5 {
		t.Errorf("only %v were accepted: this tests little", seen)
	}
}

func TestEmailDomain(t *testing.T) {
	t.Parallel()
	if got := identity.EmailDomain("ada+x@sub.example.com"); got != "sub.example.com" {
		t.Error(got)
	}
}

func FuzzCanonicalEmail(f *testing.F) {
	for _, seed := range []string{
		"ada@example.com", "A.B+c@EXAMPLE.com", "ada@bücher.example", "\u0130@\u212a.example", `"a b"@x.y`, "a@b@c.d", "a@[1.2.3.4]", "a@xn--.x",
		"a@b.c.", "a@ü.ü.ü", "a@\u00df.de", "a@example。com", "\xff@\xff.\xff", "a@xn--a.xn--b", "a,b@c.d", "a@\u0660.x",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := identity.CanonicalEmail(in)
		if err != nil {
			if got != "" || identity.ErrorCode(err) != identity.CodeInvalidEmail {
				t.Fatalf("%q: %q with %v", in, got, err)
			}
			return
		}
		for i := range len(got) {
			if c := got[i]; c <= ' ' || c >= 0x7f || 'A' <= c && c <= 'Z' || strings.IndexByte(`"(),:;<>[\]`, c) >= 0 {
				t.Fatalf("%q became %q", in, got)
			}
		}
		if strings.Count(got, "@") != 1 || len(got) > 254 || !strings.Contains(identity.EmailDomain(got), ".") {
			t.Fatalf("%q became %q", in, got)
		}
		again, err := identity.CanonicalEmail(got)
		if err != nil || again != got {
			t.Fatalf("%q became %q, and that %q, %v", in, got, again, err)
		}
		// What is in front of the @ is taken unchanged, except for its case.
		if local, _, _ := strings.Cut(in, "@"); !strings.EqualFold(local, got[:strings.IndexByte(got, '@')]) || len(local) != strings.IndexByte(got, '@') {
			t.Fatalf("%q became %q", in, got)
		}
	})
}
