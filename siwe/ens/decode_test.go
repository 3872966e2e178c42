package ens

import (
	"encoding/hex"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

// The examples of EIP-137, and the node that ENS's own contracts hold.
func TestNamehash(t *testing.T) {
	for name, want := range map[string]string{
		"eth":          "93cdeb708b7545dc668eb9280176169d1c33cfd8ed6f04690a0bcc88a93fc4ae",
		"foo.eth":      "de9b09fd7c5f901e23a3f19fecc54828e9c848539801e86591bd9801b019f84f",
		"addr.reverse": "91d1777781884d03a6757a803996e38de2a42967fb37eeaca72729271025a9e2",
	} {
		node := namehash(name)
		if got := hex.EncodeToString(node[:]); got != want {
			t.Errorf("%s: want %s, got %s", name, want, got)
		}
	}
}

// FuzzAnswers decodes what a contract may return: it never panics, and what
// comes out of it is inert.
func FuzzAnswers(f *testing.F) {
	for _, s := range []string{"alice.eth", "https://example.com/a.png", "\x00<script>", ""} {
		answer, err := text.Pack(s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(answer)
		f.Add([]byte(s))
	}
	f.Add(common.LeftPadBytes([]byte{0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 32))
	f.Fuzz(func(t *testing.T, answer []byte) {
		decodeAddress(answer)
		for _, s := range []string{decodeText(answer), string(answer)} {
			if isDisplayable(s) {
				mustBeInert(t, s, maxNameBytes)
			}
			if u := avatarURL(s); u != "" {
				mustBeInert(t, u, maxAvatarBytes)
				if avatarURL(u) != u {
					t.Errorf("%q is not final", u)
				}
			}
		}
	})
}

func mustBeInert(t *testing.T, s string, limit int) {
	t.Helper()
	if len(s) > limit {
		t.Errorf("%d bytes", len(s))
	}
	for _, r := range s {
		switch {
		case r <= ' ', r >= 0x7f, r == '<', r == '>', r == '"', r == '\'', r == '`', r == '\\':
			t.Errorf("%q", s)
		}
	}
}
