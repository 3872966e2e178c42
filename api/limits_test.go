package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// limited starts the service with limits of a factor, behind a proxy, so that
// tests choose the addresses they come from.
func limited(t *testing.T, factor string, env ...string) *apptest.App {
	t.Helper()
	a := apptest.SQLite(t, append(env, "LATCHKEY_RATE_LIMITS="+factor, "LATCHKEY_TRUSTED_PROXIES=127.0.0.0/8,::1")...)
	a.Freeze()
	return a
}

func from(b *apptest.Browser, address string) *apptest.Browser {
	return b.With("X-Forwarded-For", address)
}

// tryCode tries a recovery code, of which an address has ten in ten minutes.
func tryCode(b *apptest.Browser) *apptest.Answer {
	return b.POST("/v1/auth/recovery", map[string]any{"code": "0000-0000-0000-0000"})
}

func wantHeaders(t *testing.T, answer *apptest.Answer, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if got := answer.Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
}

func TestLimitByAddress(t *testing.T) {
	t.Parallel()
	a := limited(t, "1")
	b := from(a.Browser(), "198.51.100.1")
	for left := 9; left >= 0; left-- {
		answer := tryCode(b).WantProblem(http.StatusUnauthorized, "invalid_proof")
		wantHeaders(t, answer, map[string]string{
			"RateLimit-Policy": `"recovery";q=10;w=600`, "RateLimit": fmt.Sprintf(`"recovery";r=%d;t=%d`, left, (10-left)*60), "Retry-After": "",
		})
	}
	a.Unchanged(t, func() {
		refused := tryCode(b).WantProblem(http.StatusTooManyRequests, "rate_limited")
		wantHeaders(t, refused, map[string]string{
			"RateLimit-Policy": `"recovery";q=10;w=600`, "RateLimit": `"recovery";r=0;t=600`, "Retry-After": "60",
		})
		if refused.Get("retry_after") != float64(60) {
			t.Errorf("problem: %s", refused.Body)
		}
		// Before the body is looked at, and before anything is looked up.
		b.POST("/v1/auth/recovery", map[string]any{"nonsense": 1}).WantProblem(http.StatusTooManyRequests, "rate_limited")
	})
	// Another sign-in method has its own, and another client its own of this one.
	b.Challenge(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	tryCode(from(a.Browser(), "198.51.100.2")).WantProblem(http.StatusUnauthorized, "invalid_proof")
	tryCode(from(a.Browser(), "203.0.113.7, 198.51.100.1")).WantProblem(http.StatusTooManyRequests, "rate_limited")
	tryCode(from(a.Browser(), "::ffff:198.51.100.1")).WantProblem(http.StatusTooManyRequests, "rate_limited")
	a.Advance(time.Minute)
	tryCode(b).WantProblem(http.StatusUnauthorized, "invalid_proof")
	tryCode(b).WantProblem(http.StatusTooManyRequests, "rate_limited")
}

// An IPv6 subscriber has 2^64 addresses, which are one client.
func TestAddressesOfOneIPv6NetworkAreOneClient(t *testing.T) {
	t.Parallel()
	a := limited(t, "1")
	b := a.Browser()
	for i := range 10 {
		tryCode(from(b, fmt.Sprintf("2001:db8:1:2:%x::%x", i, i+7))).WantProblem(http.StatusUnauthorized, "invalid_proof")
	}
	tryCode(from(b, "2001:db8:1:2:ffff:ffff:ffff:ffff")).WantProblem(http.StatusTooManyRequests, "rate_limited")
	tryCode(from(b, "2001:db8:1:3::1")).WantProblem(http.StatusUnauthorized, "invalid_proof")
}

// A client that writes X-Forwarded-For without being a proxy keeps its address.
func TestLimitIsNotEvadedByForwardedAddresses(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t, "LATCHKEY_RATE_LIMITS=1")
	a.Freeze()
	for i := range 11 {
		b := from(a.Browser(), fmt.Sprintf("198.51.100.%d", i)).With("X-Real-Ip", fmt.Sprintf("198.51.100.%d", i))
		if want, got := i == 10, tryCode(b).Status == http.StatusTooManyRequests; got != want {
			t.Fatalf("attempt %d: refused %t", i+1, got)
		}
	}
}

// One wallet that signs in from everywhere is refused once it has proved to be
// it, and its proof keeps. Who only says so uses up nothing of its quota.
func TestLimitByIdentity(t *testing.T) {
	t.Parallel()
	a := limited(t, "0.1") // six in ten minutes
	w, other := apptest.NewWallet(t), apptest.NewWallet(t)
	address := 0
	next := func() *apptest.Browser {
		address++
		return from(a.Browser(), fmt.Sprintf("203.0.113.%d", address))
	}
	for range 8 { // somebody else who says to be w
		b := next()
		body := signed(t, w, b.Challenge(w, "sign_in"))
		body["signature"] = other.Sign(t, body["message"].(string))
		verify(b, body).WantProblem(http.StatusUnauthorized, "invalid_proof")
	}
	for range 6 {
		next().Wallet(w, "sign_in").Want(http.StatusOK)
	}
	b := next()
	body := signed(t, w, b.Challenge(w, "sign_in"))
	a.Unchanged(t, func() {
		refused := verify(b, body).WantProblem(http.StatusTooManyRequests, "rate_limited")
		wantHeaders(t, refused, map[string]string{
			"RateLimit-Policy": `"proof";q=6;w=60, "identity";q=6;w=600`, "RateLimit": `"proof";r=5;t=10, "identity";r=0;t=600`, "Retry-After": "100",
		})
	})
	next().Wallet(other, "sign_in").Want(http.StatusOK)
	a.Advance(100 * time.Second)
	verify(b, body).Want(http.StatusOK)
}

// A callback that is refused tells so at return_to; a start, on a page.
func TestLimitOfProviders(t *testing.T) {
	t.Parallel()
	a := limited(t, "0.05") // three proofs of one identity in ten minutes
	ada := apptest.Person{Name: "Ada", Email: "ada@gmail.com"}
	for i := range 4 {
		to := from(a.Browser(), fmt.Sprintf("203.0.113.%d", i)).Provider("google", "sign_in", ada)
		if got, want := to.Query().Get("error"), map[bool]string{true: "rate_limited"}[i == 3]; got != want {
			t.Errorf("sign-in %d led to %s", i+1, to)
		}
	}
	b := from(a.Browser(), "198.51.100.1").With("Accept", "text/html")
	for range 6 {
		b.Start("google", "sign_in")
	}
	page := b.GET("/v1/auth/google/start").Want(http.StatusTooManyRequests)
	if !strings.Contains(page.Header.Get("Content-Type"), "text/html") || page.Header.Get("Retry-After") != "10" {
		t.Errorf("%v: %s", page.Header, page.Body)
	}
}

// What a user may ask for does not grow with addresses and sessions. To ask who
// is signed in is not limited at all.
func TestLimitByUser(t *testing.T) {
	t.Parallel()
	a := limited(t, "0.01") // twelve a minute
	w := apptest.NewWallet(t)
	b, second, bystander := from(a.Browser(), "203.0.113.1"), from(a.Browser(), "203.0.113.2"), from(a.Browser(), "203.0.113.3")
	b.Wallet(w, "sign_in").Want(http.StatusOK)
	bystander.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	a.Advance(10 * time.Minute)
	second.Wallet(w, "sign_in").Want(http.StatusOK)
	for i := range 12 {
		from([]*apptest.Browser{b, second}[i%2], fmt.Sprintf("198.51.100.%d", i)).GET("/v1/me").Want(http.StatusOK)
	}
	refused := from(second, "198.51.100.200").GET("/v1/me").WantProblem(http.StatusTooManyRequests, "rate_limited")
	wantHeaders(t, refused, map[string]string{"RateLimit": `"read";r=59;t=1, "user";r=0;t=60`, "Retry-After": "5"})
	for range 100 {
		who := second.GET("/v1/session").Want(http.StatusOK)
		wantHeaders(t, who, map[string]string{"RateLimit": "", "RateLimit-Policy": ""})
	}
	bystander.GET("/v1/me").Want(http.StatusOK)
}

// A team's quota is its members' together. A stranger uses up nothing of it and
// learns nothing from it.
func TestLimitByTeam(t *testing.T) {
	t.Parallel()
	a := limited(t, "0.01") // sixty changes a minute, twelve of one user
	var members []*apptest.Browser
	path := ""
	for i := range 8 {
		b := from(a.Browser(), fmt.Sprintf("203.0.113.%d", i))
		me := b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK).String("user.id")
		if i == 0 {
			path = "/v1/teams/" + b.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
		} else if i < 7 {
			a.Exec("INSERT INTO memberships (team_id, user_id, role, created_at) VALUES ('%s', '%s', 'owner', '2026-01-01 00:00:00')", path[len("/v1/teams/"):], me)
		}
		members = append(members, b)
	}
	a.Advance(time.Hour)
	stranger := members[7]
	change := func(b *apptest.Browser) *apptest.Answer { return b.PATCH(path, map[string]any{"name": "Locks"}) }
	for range 6 {
		change(stranger).WantProblem(http.StatusNotFound, "not_found")
	}
	for i := range 60 {
		answer := change(members[i%6]).Want(http.StatusOK)
		if i == 59 && !strings.HasSuffix(answer.Header.Get("RateLimit"), `"team";r=0;t=60`) {
			t.Errorf("the sixtieth: %s", answer.Header.Get("RateLimit"))
		}
	}
	change(members[6]).WantProblem(http.StatusTooManyRequests, "rate_limited")
	members[6].GET(path).Want(http.StatusOK)
	change(stranger).WantProblem(http.StatusNotFound, "not_found")
	a.Advance(time.Second)
	change(members[6]).Want(http.StatusOK)
}

func TestExemptAddresses(t *testing.T) {
	t.Parallel()
	a := limited(t, "0.1", "LATCHKEY_RATE_LIMIT_EXEMPT=198.51.100.0/24,2001:db8:7::/48")
	for _, exempt := range []string{"198.51.100.8", "2001:db8:7:1::1"} {
		b, w := from(a.Browser(), exempt), apptest.NewWallet(t)
		for range 6 {
			tryCode(b).WantProblem(http.StatusUnauthorized, "invalid_proof")
			b.Wallet(w, "sign_in").Want(http.StatusOK)
		}
		b.Wallet(w, "sign_in").WantProblem(http.StatusTooManyRequests, "rate_limited") // its identity is limited all the same
	}
	tryCode(from(a.Browser(), "198.51.101.8")).WantProblem(http.StatusUnauthorized, "invalid_proof")
	tryCode(from(a.Browser(), "198.51.101.8")).WantProblem(http.StatusTooManyRequests, "rate_limited")
}

func TestLimitsOff(t *testing.T) {
	t.Parallel()
	a := limited(t, "off")
	b := from(a.Browser(), "198.51.100.1")
	for range 30 {
		wantHeaders(t, tryCode(b).WantProblem(http.StatusUnauthorized, "invalid_proof"), map[string]string{"RateLimit": "", "RateLimit-Policy": ""})
	}
}

// A machine of a team has a quota as a member has, and its changes are the team's.
func TestLimitByMachine(t *testing.T) {
	t.Parallel()
	a := limited(t, "0.01")
	owner := from(a.Browser(), "203.0.113.1")
	owner.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	path := "/v1/teams/" + owner.POST("/v1/teams", map[string]any{"name": "Keys"}).Want(http.StatusCreated).String("id")
	made := owner.POST(path+"/api-keys", map[string]any{"name": "m", "role": "admin"}).Want(http.StatusCreated)
	a.Advance(time.Hour)
	service := from(machineOf(t, a, made), "203.0.113.2")
	change := map[string]any{"filter": map[string]any{}, "dry_run": true}
	for i := range 12 {
		answer := service.POST(path+"/sessions/revoke", change).Want(http.StatusOK)
		if i == 11 && !strings.Contains(answer.Header.Get("RateLimit"), `"team";r=48;`) {
			t.Errorf("the twelfth: %s", answer.Header.Get("RateLimit"))
		}
	}
	service.POST(path+"/sessions/revoke", change).WantProblem(http.StatusTooManyRequests, "rate_limited")
	owner.GET(path).Want(http.StatusOK)
}
