package github

import (
	"testing"

	"github.com/latchkey/latchkey/identity/method"
)

func TestEnterpriseNoreplyAddresses(t *testing.T) {
	t.Parallel()
	g, err := New(method.Options{ClientID: "c", ClientSecret: "s", URLs: map[string]string{"URL": "https://GHE.corp.example:8443"}})
	if err != nil {
		t.Fatal(err)
	}
	for domain, want := range map[string]bool{
		"users.noreply.ghe.corp.example": true, "noreply.ghe.corp.example": true, "users.noreply.github.com": true,
		"ghe.corp.example": false, "corp.example": false, "xnoreply.ghe.corp.example": false, "github.com": false,
	} {
		if got := g.noreply(domain); got != want {
			t.Errorf("%s is noreply: %v, want %v", domain, got, want)
		}
	}
}
