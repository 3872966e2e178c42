package config_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func TestHooks(t *testing.T) {
	t.Parallel()
	c := load(t)
	if h := c.SignInHook(); h.URL != "" || h.OnFailure != config.OnFailureDeny || c.TokenHook().OnFailure != config.OnFailureAllow {
		t.Errorf("by default: %+v, token %+v", h, c.TokenHook())
	}
	c = load(t, "LATCHKEY_HOOK_ALLOWED_HOSTS=Hooks.internal,10.0.0.5:8080,[fd00::1]:8443",
		"LATCHKEY_HOOK_SIGN_IN_URL=http://hooks.internal:9000/a", "LATCHKEY_HOOK_SIGN_IN_SECRET="+hookSecret+","+hookSecret[len("whsec_"):],
		"LATCHKEY_HOOK_USER_CREATE_URL=http://10.0.0.5:8080/b", "LATCHKEY_HOOK_USER_CREATE_SECRET="+hookSecret, "LATCHKEY_HOOK_USER_CREATE_ON_FAILURE=allow",
		"LATCHKEY_HOOK_TOKEN_URL=https://app.example/c", "LATCHKEY_HOOK_TOKEN_SECRET="+hookSecret, "LATCHKEY_HOOK_TOKEN_ON_FAILURE=deny")
	if h := c.SignInHook(); !h.Listed || h.URL != "http://hooks.internal:9000/a" || len(h.Secrets.Reveal()) != 2 {
		t.Errorf("sign-in: %+v", h)
	}
	if h := c.UserCreateHook(); !h.Listed || h.OnFailure != config.OnFailureAllow {
		t.Errorf("user: %+v", h)
	}
	if h := c.TokenHook(); h.Listed || h.OnFailure != config.OnFailureDeny {
		t.Errorf("token: %+v", h)
	}
	if shown := fmt.Sprintf("%v %+v %#v", c, c, c.SignInHook()); strings.Contains(shown, "MfKQ9r8G") {
		t.Error("a secret is printed")
	}
	dev, err := config.Load([]string{"LATCHKEY_HOOK_TOKEN_URL=http://localhost:3000/hook", "LATCHKEY_HOOK_TOKEN_SECRET=" + hookSecret}, true)
	if err != nil || !dev.TokenHook().Listed {
		t.Errorf("in development: %+v, %v", dev.TokenHook(), err)
	}
}

// Hosts of hooks count for webhooks, not the other way round.
func TestHostsOfWebhooks(t *testing.T) {
	t.Parallel()
	c := load(t, "LATCHKEY_HOOK_ALLOWED_HOSTS=hooks.internal", "LATCHKEY_WEBHOOK_ALLOWED_HOSTS=Rows.internal:8080,10.0.0.5")
	for at, want := range map[string]bool{
		"http://hooks.internal/a": true, "http://rows.internal:8080/": true, "https://10.0.0.5:8443": true,
		"http://rows.internal": false, "http://app.example": false, "http://localhost:3000": false,
	} {
		u, err := url.Parse(at)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.WebhookListed(u); got != want {
			t.Errorf("%s: %v", at, got)
		}
	}
	c = load(t, "LATCHKEY_WEBHOOK_ALLOWED_HOSTS=rows.internal", "LATCHKEY_HOOK_TOKEN_URL=https://rows.internal/", "LATCHKEY_HOOK_TOKEN_SECRET="+hookSecret)
	if c.TokenHook().Listed {
		t.Error("a hook is at a host of webhooks")
	}
	dev, err := config.Load(nil, true)
	if err != nil || !dev.WebhookListed(&url.URL{Scheme: "http", Host: "localhost:3000"}) {
		t.Errorf("in development: %v", err)
	}
}

func TestHooksThatAreHalfSetOrUnsafe(t *testing.T) {
	t.Parallel()
	const at, with = "LATCHKEY_HOOK_SIGN_IN_URL", "LATCHKEY_HOOK_SIGN_IN_SECRET"
	for name, c := range map[string]struct {
		env   []string
		about string
	}{
		"no secret":             {[]string{at + "=https://app.example"}, with},
		"no URL":                {[]string{with + "=" + hookSecret}, at},
		"http":                  {[]string{at + "=http://app.example", with + "=" + hookSecret}, at},
		"http, another port":    {[]string{at + "=http://app.example:81", with + "=" + hookSecret, "LATCHKEY_HOOK_ALLOWED_HOSTS=app.example:80"}, at},
		"http on loopback":      {[]string{at + "=http://localhost:3000", with + "=" + hookSecret}, at},
		"a password in the URL": {[]string{at + "=https://a:b@app.example", with + "=" + hookSecret}, at},
		"not base64":            {[]string{at + "=https://app.example", with + "=whsec_?"}, with},
		"a short secret":        {[]string{at + "=https://app.example", with + "=whsec_c2hvcnQ="}, with},
		"three secrets":         {[]string{at + "=https://app.example", with + "=" + strings.Join([]string{hookSecret, hookSecret, hookSecret}, ",")}, with},
		"another mode":          {[]string{"LATCHKEY_HOOK_SIGN_IN_ON_FAILURE=open"}, "LATCHKEY_HOOK_SIGN_IN_ON_FAILURE"},
		"a URL for a host":      {[]string{"LATCHKEY_HOOK_ALLOWED_HOSTS=https://app.example"}, "LATCHKEY_HOOK_ALLOWED_HOSTS"},
		"a range for a host":    {[]string{"LATCHKEY_HOOK_ALLOWED_HOSTS=10.0.0.0/8"}, "LATCHKEY_HOOK_ALLOWED_HOSTS"},
		"a host of webhooks":    {[]string{"LATCHKEY_WEBHOOK_ALLOWED_HOSTS=https://app.example"}, "LATCHKEY_WEBHOOK_ALLOWED_HOSTS"},
	} {
		_, err := config.Load(append(slices.Clone(c.env), secret), false)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if names := reported(t, err); !slices.Equal(names, []string{c.about}) || strings.Contains(err.Error(), "MfKQ9r8G") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
