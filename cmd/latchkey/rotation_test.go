//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/providertest"
	"github.com/latchkey/latchkey/internal/testkit/testpg"
	"github.com/latchkey/latchkey/internal/testkit/testredis"
)

// The secret changes under continuous traffic, in the steps of docs/database.md and one
// replica after another. No request is refused or left without an answer, what one
// replica began before a step ends at another after it, and no rate limit starts over.
func TestRotationUnderTraffic(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T) (databaseURL string, replicas int, env []string){
		"SQLite": func(t *testing.T) (string, int, []string) {
			return "sqlite://" + filepath.Join(t.TempDir(), "latchkey.db"), 1, nil
		},
		"PostgreSQL and Redis": func(t *testing.T) (string, int, []string) {
			return testpg.URLOf(testpg.NewServer(t)), 2, []string{"LATCHKEY_REDIS_URL=" + testredis.Start(t).URL}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			databaseURL, n, env := prepare(t)
			newRotation(t, databaseURL, n, env).run()
		})
	}
}

// rotation is replicas whose secrets are in files, and what people begin at them.
type rotation struct {
	*traffic
	upstream *providertest.Upstream
	post     *apptest.Post
	wallet   apptest.Wallet
	dir      string // of the files that hold the secrets
	people   int
	// kept is a refresh token from before the first step.
	kept string
}

func newRotation(t *testing.T, databaseURL string, n int, env []string) *rotation {
	t.Helper()
	r := &rotation{upstream: providertest.NewUpstream(t), post: apptest.NewPost(t, "", "", ""), wallet: apptest.NewWallet(t), dir: t.TempDir()}
	env = slices.Concat(env, r.upstream.Env(), r.post.Env(), []string{
		"LATCHKEY_SECRET=", "LATCHKEY_SECRET_FILE=" + filepath.Join(r.dir, "secret"), "LATCHKEY_SECRET_PREVIOUS_FILE=" + filepath.Join(r.dir, "previous"),
		"LATCHKEY_CLIENTS=web=https://api.example.com", "LATCHKEY_LOG_LEVEL=info",
		"LATCHKEY_RATE_LIMITS=100", // wide enough for the traffic, and slow to come back
	})
	r.write(t, oldSecret, "")
	replicas := newReplicasOf(t, "", databaseURL, n, env...)
	for _, one := range replicas {
		one.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	r.traffic = newTraffic(t, replicas)
	return r
}

const (
	oldSecret = "the old secret, which is long enough"
	newSecret = "the new secret, which is long enough"
)

func (r *rotation) write(t *testing.T, secret, previous string) {
	t.Helper()
	for name, value := range map[string]string{"secret": secret, "previous": previous} {
		if err := os.WriteFile(filepath.Join(r.dir, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func (r *rotation) run() {
	t := r.t
	t.Helper()
	v, ok := r.signIn(0, r.wallet)
	if !ok {
		t.FailNow()
	}
	r.kept = r.offline(0, v.token)
	for _, step := range []struct{ name, secret, previous string }{
		{"all know the new one", oldSecret, newSecret},
		{"it makes by the new one", newSecret, oldSecret},
		{"it has forgotten the old one", newSecret, ""},
	} {
		if step.previous == "" {
			r.reseal()
		}
		r.write(t, step.secret, step.previous) // read after SIGHUP
		for i, one := range r.replicas {
			var ends []func(at int)
			for from := range r.replicas {
				ends = append(ends, r.begin(from)...)
			}
			began := time.Now()
			for range usedUp {
				r.remaining(i)
			}
			reloads := func() int { return strings.Count(one.said(), `"reloaded"`) }
			had := reloads()
			if err := one.cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
			until(t, step.name+": reloaded", func() bool { return reloads() > had })
			for n, end := range ends {
				end((n + i + 1) % len(r.replicas))
			}
			most := recoveries - usedUp + int(time.Since(began)/(10*time.Minute/recoveries)) + 1
			for at := range r.replicas {
				if left := r.remaining(at); left > most {
					t.Errorf("%s: %d are left of a limit, want %d at most", step.name, left, most)
				}
			}
			r.kept = r.refresh(i, r.kept)
		}
		r.goOn(step.name)
	}
	r.stop()
	t.Log(r.traffic)
}

// reseal runs the command that comes between the swap and the end of the old secret.
func (r *rotation) reseal() {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), os.Args[0], "keys", "reseal")
	cmd.Env = r.replicas[0].env
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("keys reseal: %v\n%s", err, out)
	}
}

// begin begins at a replica what may be ended at any: a sign-in by a wallet, by a
// provider, by the code and by the link of a mail, and a refresh token.
func (r *rotation) begin(at int) []func(at int) {
	t := r.t
	t.Helper()
	r.people++
	person := fmt.Sprint("person", r.people)
	challenge, _ := r.do(at, http.MethodPost, "/v1/auth/siwe/challenge", "", map[string]any{"address": r.wallet.Address.Hex()}, http.StatusOK)
	message := challenge.text("message")
	started, _ := r.do(at, http.MethodGet, "/v1/auth/google/start", "", nil, http.StatusFound)
	callback, err := url.Parse(r.upstream.Google(started.header.Get("Location"), map[string]any{"sub": person}))
	if err != nil {
		t.Fatal(err)
	}
	v, ok := r.signIn(at, r.wallet)
	if !ok {
		t.FailNow()
	}
	offline := r.offline(at, v.token)
	return []func(at int){
		func(at int) {
			r.do(at, http.MethodPost, "/v1/auth/siwe/verify", "", map[string]any{"message": message, "signature": r.wallet.Sign(t, message)}, http.StatusOK, challenge.cookies...)
		},
		func(at int) {
			got, _ := r.do(at, http.MethodGet, callback.RequestURI(), "", nil, http.StatusFound, started.cookies...)
			if got.cookie("latchkey") == "" {
				t.Errorf("a sign-in by a provider led to %s", got.header.Get("Location"))
			}
		},
		r.mailed(at, person+"-code@mail.example", func(l apptest.Letter, address string) map[string]any {
			return map[string]any{"code": l.Code(), "email": address}
		}),
		r.mailed(at, person+"-link@mail.example", func(l apptest.Letter, _ string) map[string]any { return map[string]any{"token": l.Token()} }),
		func(at int) { r.refresh(at, offline) },
	}
}

// mailed asks for a letter, whose sending may come after the step, and returns what
// redeems it.
func (r *rotation) mailed(at int, address string, body func(l apptest.Letter, address string) map[string]any) func(at int) {
	r.t.Helper()
	asked, _ := r.do(at, http.MethodPost, "/v1/auth/email/start", "", map[string]any{"email": address, "purpose": "sign_in"}, http.StatusAccepted)
	return func(at int) {
		var letter apptest.Letter
		until(r.t, "a letter to "+address, func() bool {
			mail := r.post.Mail()
			i := slices.IndexFunc(mail, func(p apptest.Posted) bool { return p.To[0] == address })
			if i >= 0 {
				letter = mail[i].Letter()
			}
			return i >= 0
		})
		r.do(at, http.MethodPost, "/v1/auth/email/verify", "", body(letter, address), http.StatusOK, asked.cookies...)
	}
}

func (r *rotation) offline(at int, token string) string {
	got, _ := r.do(at, http.MethodPost, "/v1/token", token, map[string]any{"client_id": "web", "offline": true}, http.StatusOK)
	return got.text("refresh_token")
}

// refresh returns the next refresh token.
func (r *rotation) refresh(at int, token string) string {
	got, _ := r.do(at, http.MethodPost, "/v1/token/refresh", "", map[string]any{"client_id": "web", "refresh_token": token}, http.StatusOK)
	return got.text("refresh_token")
}

const (
	recoveries = 1000 // guesses at recovery codes from an address in 10 minutes, see LATCHKEY_RATE_LIMITS above
	usedUp     = 100  // before each step: all steps together must not use up the limit
)

var recoveryLeft = regexp.MustCompile(`"recovery";r=(\d+)`)

// remaining uses up one of the guesses at recovery codes and returns how many are left.
func (r *rotation) remaining(at int) int {
	r.t.Helper()
	got, err := r.replicas[at].ask(http.MethodPost, "/v1/auth/recovery", "", map[string]any{"code": "no code"})
	left := recoveryLeft.FindStringSubmatch(got.header.Get("RateLimit"))
	if err != nil || left == nil {
		r.t.Fatalf("a guess: %d %s %v, %v", got.status, got.body, got.header, err)
	}
	n, _ := strconv.Atoi(left[1])
	return n
}
