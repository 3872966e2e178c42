package email

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
)

var (
	knowing = &Service{knownKeys: identity.Secrets{"a secret"}.Keys("known browser")}
	day     = 24 * time.Hour
	noon    = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
)

func TestKnownBrowser(t *testing.T) {
	t.Parallel()
	unknown := knowing.KnownBrowser("")
	if !unknown.Empty() || unknown.To("ada@example.com", noon) {
		t.Fatal("a browser without anything is known")
	}
	value := unknown.With(noon, "ada@example.com", "ada@work.example").String()
	if strings.Contains(value, "ada") || strings.Contains(value, "=") {
		t.Errorf("the cookie is %s", value)
	}
	k := knowing.KnownBrowser(value)
	for address, want := range map[string]bool{"ada@example.com": true, "ada@work.example": true, "eve@example.com": false, "": false} {
		if k.To(address, noon) != want {
			t.Errorf("known to %q: %t", address, !want)
		}
	}
	for age, want := range map[time.Duration]bool{-day: true, KnownFor: true, KnownFor + day: false} {
		if k.To("ada@example.com", noon.Add(age)) != want {
			t.Errorf("after %s known: %t", age, !want)
		}
	}
	again := k.With(noon.Add(100*day), "ada@example.com")
	if later := noon.Add(200 * day); !again.To("ada@example.com", later) || again.To("ada@work.example", later) {
		t.Error("signing in again does not make it known for as long again")
	}
	if len(again.entries) != 2 {
		t.Errorf("%d entries of two addresses", len(again.entries))
	}
}

func TestKnownBrowserRemembersTheLastAddresses(t *testing.T) {
	t.Parallel()
	k := knowing.KnownBrowser("")
	for i := range 20 {
		k = knowing.KnownBrowser(k.With(noon, fmt.Sprintf("%d@example.com", i)).String())
	}
	for i := range 20 {
		if known := k.To(fmt.Sprintf("%d@example.com", i), noon); known != (i >= 20-maxKnown) {
			t.Errorf("%d: %t", i, known)
		}
	}
}

func TestKnownBrowserCannotBeForged(t *testing.T) {
	t.Parallel()
	k := knowing.KnownBrowser("").With(noon, "ada@example.com")
	other := knowing.KnownBrowser("").With(noon, "eve@example.com")
	raw, err := base64.RawURLEncoding.DecodeString(k.String())
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw { // the id, the day and the tag are all under the MAC
		bent := append([]byte{}, raw...)
		bent[i] ^= 1
		if knowing.KnownBrowser(base64.RawURLEncoding.EncodeToString(bent)).To("ada@example.com", noon) {
			t.Errorf("byte %d may be changed", i)
		}
	}
	moved := base64.RawURLEncoding.EncodeToString(append(append([]byte{}, other.id...), k.entries[0]...))
	if knowing.KnownBrowser(moved).To("ada@example.com", noon) {
		t.Error("an entry works in another browser")
	}
	elsewhere := &Service{knownKeys: identity.Secrets{"another secret"}.Keys("known browser")}
	if elsewhere.KnownBrowser(k.String()).To("ada@example.com", noon) {
		t.Error("it works under another secret")
	}
	for _, bad := range []string{"x", "====", k.String() + "=", k.String()[1:], k.String() + "AA", strings.Repeat(k.String(), 50), string(raw)} {
		if got := knowing.KnownBrowser(bad); !got.Empty() {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

// While the secret is rotated, a browser stays known at every replica.
func TestKnownWhileTheSecretIsRotated(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	of := func(secrets ...string) *Service {
		return &Service{knownKeys: identity.Secrets(secrets).Keys("known browser")}
	}
	value := of("old").KnownBrowser("").With(now, "ada@example.com").String()
	for what, s := range map[string]*Service{"knows the new one": of("old", "new"), "makes by the new one": of("new", "old")} {
		if !s.KnownBrowser(value).To("ada@example.com", now) {
			t.Errorf("%s: not known", what)
		}
	}
	renewed := of("new", "old").KnownBrowser(value).With(now, "ada@example.com")
	if len(renewed.entries) != 1 || !of("new").KnownBrowser(renewed.String()).To("ada@example.com", now) {
		t.Error("not known by the new one after signing in again")
	}
	if of("new").KnownBrowser(value).To("ada@example.com", now) {
		t.Error("known by a secret that is not there any more")
	}
}
