package oauth_test

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"testing"

	"github.com/latchkey/latchkey/identity/method/oauth"
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
	hosts := map[string]map[oauth.AuthorityKind][]string{
		"own": {
			oauth.AuthorityGoogle: {"https://accounts.google.com"}, oauth.AuthorityGitHub: {"https://github.com", "https://api.github.com"},
			oauth.AuthorityNone: {"https://accounts.google.com"},
		},
		"loopback": {
			oauth.AuthorityGoogle: {"http://127.0.0.1:9000/op"}, oauth.AuthorityGitHub: {"http://localhost:9000", "http://[::1]:9000/api"},
			oauth.AuthorityNone: {"http://127.0.0.1:9000"},
		},
		"foreign": {
			oauth.AuthorityGoogle: {"https://id.corp.example"}, oauth.AuthorityGitHub: {"https://github.corp.example", "https://github.corp.example/api/v3"},
			oauth.AuthorityNone: {"https://id.corp.example"},
		},
		"half": {
			oauth.AuthorityGoogle: {"https://accounts.google.com", "https://id.corp.example"},
			oauth.AuthorityGitHub: {"https://github.com", "https://api.corp.example"}, oauth.AuthorityNone: {},
		},
		"lookalike": {
			oauth.AuthorityGoogle: {"https://accounts.google.com.corp.example"}, oauth.AuthorityGitHub: {"https://github.com:8443"},
			oauth.AuthorityNone: {"https://localhost.corp.example"},
		},
		"plain":  {oauth.AuthorityGoogle: {"http://accounts.google.com"}, oauth.AuthorityGitHub: {"http://github.com"}, oauth.AuthorityNone: {"http://github.com"}},
		"absent": {},
	}
	covered := 0
	for _, kind := range []oauth.AuthorityKind{oauth.AuthorityGoogle, oauth.AuthorityGitHub, oauth.AuthorityNone} {
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
							claims := oauth.Claims{EmailVerified: verified, HostedDomain: hd}
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
							got := oauth.Authority{Kind: kind, Hosts: urls, Domains: list}.Covers(claims)
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
