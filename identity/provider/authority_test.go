package provider_test

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"testing"

	"github.com/latchkey/latchkey/identity/provider"
)

// TestAuthority enumerates every kind of provider, host, configuration and
// claim. What is not listed is no authority.
func TestAuthority(t *testing.T) {
	t.Parallel()
	authoritative := []string{ // kind, host, domains, address, hd
		"google/own/-/gmail.com/*", "google/loopback/-/gmail.com/*",
		"google/own/-/googlemail.com/*", "google/loopback/-/googlemail.com/*",
		"google/own/-/corp.example/corp.example", "google/loopback/-/corp.example/corp.example",
		"github/own/-/*/*", "github/loopback/-/*/*",
		"*/*/corp.example/corp.example/*",
	}
	hosts := map[string]map[provider.AuthorityKind][]string{
		"own": {
			provider.AuthorityGoogle: {"https://accounts.google.com"}, provider.AuthorityGitHub: {"https://github.com", "https://api.github.com"},
			provider.AuthorityNone: {"https://accounts.google.com"},
		},
		"loopback": {
			provider.AuthorityGoogle: {"http://127.0.0.1:9000/op"}, provider.AuthorityGitHub: {"http://localhost:9000", "http://[::1]:9000/api"},
			provider.AuthorityNone: {"http://127.0.0.1:9000"},
		},
		"foreign": {
			provider.AuthorityGoogle: {"https://id.corp.example"}, provider.AuthorityGitHub: {"https://github.corp.example", "https://github.corp.example/api/v3"},
			provider.AuthorityNone: {"https://id.corp.example"},
		},
		"half": {
			provider.AuthorityGoogle: {"https://accounts.google.com", "https://id.corp.example"},
			provider.AuthorityGitHub: {"https://github.com", "https://api.corp.example"}, provider.AuthorityNone: {},
		},
		"lookalike": {
			provider.AuthorityGoogle: {"https://accounts.google.com.corp.example"}, provider.AuthorityGitHub: {"https://github.com:8443"},
			provider.AuthorityNone: {"https://localhost.corp.example"},
		},
		"plain":  {provider.AuthorityGoogle: {"http://accounts.google.com"}, provider.AuthorityGitHub: {"http://github.com"}, provider.AuthorityNone: {"http://github.com"}},
		"absent": {},
	}
	covered := 0
	for _, kind := range []provider.AuthorityKind{provider.AuthorityGoogle, provider.AuthorityGitHub, provider.AuthorityNone} {
		for host, of := range hosts {
			var urls []*url.URL
			for _, raw := range of[kind] {
				u, err := url.Parse(raw)
				if err != nil {
					t.Fatal(err)
				}
				urls = append(urls, u)
			}
			for domains, list := range map[string][]string{"-": nil, "corp.example": {"corp.example"}, "other.example": {"other.example", "sub.corp.example"}} {
				for _, domain := range []string{"gmail.com", "googlemail.com", "corp.example", "mail.example", "gmail.com.example", ""} {
					for _, hd := range []string{"-", "corp.example", "CORP.example", "other.example"} {
						for _, verified := range []bool{true, false} {
							claims := provider.Claims{EmailVerified: verified, HostedDomain: hd}
							if domain != "" {
								claims.Email = "ada@" + domain
							}
							normal := hd
							if hd == "CORP.example" {
								normal = "corp.example" // domains have no case
							}
							name := fmt.Sprintf("%s/%s/%s/%s/%s", orDash(string(kind)), host, domains, orDash(domain), normal)
							want := verified && domain != "" && slices.ContainsFunc(authoritative, func(pattern string) bool {
								ok, err := path.Match(pattern, name)
								return err == nil && ok
							})
							got := provider.Authority{Kind: kind, Hosts: urls, Domains: list}.Covers(claims)
							if got != want {
								t.Errorf("%s, verified %t: got %t", name, verified, got)
							}
							if got {
								covered++
							}
						}
					}
				}
			}
		}
	}
	// Google: 2 hosts, 2 domains under any hd and 1 under 2 spellings of its own;
	// GitHub: 2 hosts, 5 domains, any hd; the configured domain: 3 kinds, 7 hosts.
	if want := 2*(2*4+2) + 2*5*4 + 3*7*4; covered != want {
		t.Errorf("%d facts are covered, want %d", covered, want)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
