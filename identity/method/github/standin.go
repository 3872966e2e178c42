package github

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/latchkey/latchkey/identity/method"
)

// standin answers as GitHub does: errors in its own words with status 200, and
// forms unless it is asked for JSON.
var standin = method.Standin{ //nolint:gosec // paths, no credentials
	Authorize: "/login/oauth/authorize",
	Token:     "/login/oauth/access_token",
	Issuer:    "/login/oauth",
	TokenErrors: map[string]string{
		"invalid_client":  "incorrect_client_credentials",
		"invalid_grant":   "bad_verification_code",
		"invalid_request": "bad_verification_code",
	},
	API: map[string]func(p method.Person, page string) any{
		"/api/user": func(p method.Person, _ string) any {
			return map[string]any{
				"id": json.Number(p.Subject), "login": login(p), "name": p.Name,
				"email": nil, "avatar_url": "", "type": "User",
			}
		},
		"/api/user/emails": emails,
	},
	URLs: func(root string) map[string]string { return map[string]string{"URL": root, "API_URL": root + "/api"} },
	// GitHub counts its accounts.
	Subject: func(n uint64) string { return strconv.FormatUint(1_000_000+n%1_000_000_000, 10) },
	ParseSubject: func(typed string) (string, bool) {
		n, err := strconv.ParseInt(typed, 10, 64)
		return strconv.FormatInt(n, 10), err == nil && n > 0
	},
}

// emails lists the address typed and, as GitHub does, the noreply address that
// every account has.
func emails(p method.Person, page string) any {
	list := []map[string]any{}
	if page != "" && page != "1" {
		return list
	}
	if p.Email != "" {
		list = append(list, map[string]any{"email": p.Email, "primary": true, "verified": p.Verified, "visibility": "private"})
	}
	return append(list, map[string]any{
		"email":   p.Subject + "+" + login(p) + "@users.noreply.github.com",
		"primary": false, "verified": true, "visibility": nil,
	})
}

// login is a GitHub login made of the address.
func login(p method.Person) string {
	local, _, _ := strings.Cut(p.Email, "@")
	login := strings.Map(func(c rune) rune {
		if c < 0x80 && (c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return c
		}
		return '-'
	}, local)
	if login = strings.Trim(login, "-"); login == "" {
		login = "user-" + p.Subject
	}
	return login
}
