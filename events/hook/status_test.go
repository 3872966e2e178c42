package hook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/latchkey/latchkey/events/hook"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
	"github.com/latchkey/latchkey/linking"
)

// Operators see how each hook is configured and does, and no secret of it.
func TestStatus(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	url, _ := application(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case broken.Load():
			w.WriteHeader(http.StatusInternalServerError)
		case strings.HasPrefix(r.URL.Path, "/token"):
			_, _ = io.WriteString(w, `{"claims": {}}`)
		default:
			_, _ = io.WriteString(w, `{"allow": true}`)
		}
	})
	targets := hook.Targets{SignIn: at(url+"/in-the-path?key=in-the-query", false), Token: at(url+"/token", true)}
	claims, err := hook.NewToken(targets, discard, identity.SystemClock)
	if err != nil {
		t.Fatal(err)
	}
	hooks := hook.Hooks{SignIn: signIn(t, targets, discard), Token: claims}
	ask := func(ctx context.Context) { _, _ = hooks.SignIn.Ask(ctx, attempt(linking.ActionSignIn)) }
	want := func(what string, i int, kind, origin string, requests, failed int64, failures int, answered bool) {
		t.Helper()
		all := hooks.Status()
		if len(all) != 3 {
			t.Fatalf("%d hooks", len(all))
		}
		s := all[i]
		if s.Type != kind || s.Origin != origin || s.Requests != requests || s.Failed != failed || len(s.Failures) != failures || (s.AnsweredAt != nil) != answered {
			t.Errorf("%s: %+v", what, s)
		}
	}
	want("not asked", 0, "sign_in.before", url, 0, 0, 0, false)
	want("not configured", 1, "user.before_create", "", 0, 0, 0, false)

	ask(t.Context())
	if _, err := claims.AppClaims(t.Context(), token.ClaimQuestion{}); err != nil {
		t.Error(err)
	}
	want("answers", 0, "sign_in.before", url, 1, 0, 0, true)
	want("answers", 2, "token.before", url, 1, 0, 0, true)

	given, giveUp := context.WithCancel(t.Context())
	giveUp()
	ask(given)
	want("given up by the caller", 0, "sign_in.before", url, 1, 0, 0, true)

	broken.Store(true)
	for range 12 {
		ask(t.Context())
	}
	if answer, err := claims.AppClaims(t.Context(), token.ClaimQuestion{}); err != nil || answer != nil {
		t.Errorf("%s, %v", answer, err)
	}
	want("broken", 0, "sign_in.before", url, 13, 12, 10, true)
	want("broken, and let pass", 2, "token.before", url, 2, 1, 1, true)

	all := hooks.Status()
	if all[0].FailOpen || !all[2].FailOpen || all[0].Failures[0].At.Before(all[0].Failures[9].At) || !strings.Contains(all[0].Failures[0].Error, "the status is 500") {
		t.Errorf("%+v", all)
	}
	if len(all[0].Secrets) != 2 || all[0].Secrets[0] == all[0].Secrets[1] || fmt.Sprint(all[0].Secrets) != fmt.Sprint(all[2].Secrets) {
		t.Errorf("fingerprints %q, %q", all[0].Secrets, all[2].Secrets)
	}
	shown, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range append([]string{"in-the-path", "in-the-query", "ada@example.com"}, secrets...) {
		if strings.Contains(string(shown), strings.TrimPrefix(secret, "whsec_")) {
			t.Errorf("it shows %s: %s", secret, shown)
		}
	}
	if none := (hook.Hooks{}).Status(); len(none) != 3 || none[2].Type != "token.before" || none[2].Origin != "" {
		t.Errorf("none: %+v", none)
	}
}
