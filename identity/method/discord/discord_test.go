package discord_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/discord"
)

// at returns Discord at a server that says this of the person.
func at(t *testing.T, status int, user any) method.Redirect {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Path {
		case "/api/oauth2/token":
			_ = json.NewEncoder(w).Encode(map[string]string{"access_token": "a", "token_type": "Bearer"})
		case "/api/users/@me":
			if r.Header.Get("Authorization") != "Bearer a" {
				t.Error("asked without the token")
			}
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(user)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	p, err := discord.Spec.New(method.Options{ClientID: "c", ClientSecret: "s", EmailDomains: []string{"corp.example"}, URLs: map[string]string{"URL": s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDiscordProves(t *testing.T) {
	t.Parallel()
	type user = map[string]any
	for name, c := range map[string]struct {
		user user
		want identity.Proof
	}{
		"whole": {user{"id": "80351110224678912", "username": "nelly", "global_name": "Nelly", "avatar": "a_b/..", "email": "N@Corp.example", "verified": true},
			identity.Proof{Subject: "80351110224678912", Email: "n@corp.example", EmailAuthoritative: true, DisplayName: "Nelly", AvatarURL: "https://cdn.discordapp.com/avatars/80351110224678912/a_b%2F...png"}},
		"another domain":   {user{"id": "1", "username": "nelly", "email": "n@gmail.com", "verified": true}, identity.Proof{Subject: "1", Email: "n@gmail.com", DisplayName: "nelly"}},
		"unverified":       {user{"id": "1", "username": "n", "email": "n@corp.example", "verified": false}, identity.Proof{Subject: "1", Email: "n@corp.example", DisplayName: "n"}},
		"verified as text": {user{"id": "1", "username": "n", "email": "n@corp.example", "verified": "true"}, identity.Proof{Subject: "1", Email: "n@corp.example", DisplayName: "n"}},
		"no address":       {user{"id": "1", "username": "n", "verified": true}, identity.Proof{Subject: "1", DisplayName: "n"}},
	} {
		got, err := at(t, http.StatusOK, c.user).Prove(context.Background(), method.Flow{}, method.Callback{Code: "x"})
		if err != nil || got.Provider != "discord" || got.Subject != c.want.Subject || got.Email != c.want.Email ||
			got.EmailAuthoritative != c.want.EmailAuthoritative || got.DisplayName != c.want.DisplayName || got.AvatarURL != c.want.AvatarURL {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

func TestDiscordRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		user   any
		code   identity.Code
	}{
		"no id":         {200, map[string]any{"username": "n"}, identity.CodeProviderFailed},
		"a number":      {200, map[string]any{"id": 7}, identity.CodeProviderFailed},
		"zero":          {200, map[string]any{"id": "0"}, identity.CodeProviderFailed},
		"leading zeros": {200, map[string]any{"id": "007"}, identity.CodeProviderFailed},
		"too large":     {200, map[string]any{"id": "18446744073709551616"}, identity.CodeProviderFailed},
		"a list":        {200, []int{1}, identity.CodeProviderFailed},
		"revoked":       {401, map[string]any{}, identity.CodeProviderFailed},
		"busy":          {429, map[string]any{}, identity.CodeProviderUnavailable},
	} {
		_, err := at(t, c.status, c.user).Prove(context.Background(), method.Flow{}, method.Callback{Code: "x"})
		if identity.ErrorCode(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := at(t, 200, nil).Prove(context.Background(), method.Flow{}, method.Callback{}); identity.ErrorCode(err) != identity.CodeInvalidProof {
		t.Errorf("no code: %v", err)
	}
	for _, o := range []method.Options{{}, {ClientID: "c"}, {ClientID: "c", ClientSecret: "s", URLs: map[string]string{"URL": "discord.com"}}} {
		if _, err := discord.New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func TestDiscordAsksForConsentWhereASessionIsActedOn(t *testing.T) {
	t.Parallel()
	for purpose, want := range map[identity.Purpose]string{identity.PurposeSignIn: "none", identity.PurposeLink: "consent", identity.PurposeStepUp: "consent"} {
		raw, err := at(t, 200, nil).AuthCodeURL(context.Background(), method.Flow{Purpose: purpose})
		if u, parseErr := url.Parse(raw); err != nil || parseErr != nil || u.Query().Get("prompt") != want || u.Path != "/oauth2/authorize" || u.Query().Get("scope") != "identify email" {
			t.Errorf("%s: %s, %v", purpose, raw, err)
		}
	}
}
