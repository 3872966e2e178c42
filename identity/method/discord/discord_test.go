package discord_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method"
	"github.com/latchkey/latchkey/identity/method/discord"
	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
)

// at returns Discord at a stand-in that says this of the person.
func at(t *testing.T, status int, user any) (method.Redirect, *providertest.Provider) {
	t.Helper()
	s, spec := providertest.NewServer(t), discord.Spec
	spec.Standin.API = map[string]func(method.Person, string) any{"/api/users/@me": func(method.Person, string) any { return user }}
	if status != http.StatusOK {
		s.Break("/api/users/@me", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	}
	standin := s.Add(spec, devmode.Client{ID: "c", Secret: "s"})
	options := standin.Options()
	options.EmailDomains = []string{"corp.example"}
	p, err := discord.Spec.New(options)
	if err != nil {
		t.Fatal(err)
	}
	return p, standin
}

func prove(t *testing.T, status int, user any) (identity.Proof, error) {
	t.Helper()
	p, standin := at(t, status, user)
	flow := method.Flow{Verifier: strings.Repeat("v", 43)}
	return p.Prove(context.Background(), flow, standin.Callback(flow, method.Person{Subject: "1"}))
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
		got, err := prove(t, http.StatusOK, c.user)
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
		_, err := prove(t, c.status, c.user)
		if identity.ErrorCode(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, _ := at(t, 200, nil)
	if _, err := p.Prove(context.Background(), method.Flow{}, method.Callback{}); identity.ErrorCode(err) != identity.CodeInvalidProof {
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
		p, _ := at(t, 200, nil)
		raw, err := p.AuthCodeURL(context.Background(), method.Flow{Purpose: purpose})
		if u, parseErr := url.Parse(raw); err != nil || parseErr != nil || u.Query().Get("prompt") != want || u.Path != "/oauth2/authorize" || u.Query().Get("scope") != "identify email" {
			t.Errorf("%s: %s, %v", purpose, raw, err)
		}
	}
}
