//go:build unix

package crashtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/testpg"
)

// world is a database in which a person is about to merge their two accounts,
// with something of all that a merge can move, without connections.
type world struct {
	task
	wallet apptest.Wallet // an identity of the survivor
	merge  string         // id
}

var google = apptest.Person{Name: "Ada", Email: "ada@gmail.com"}

// newWorld gives the source about n rows more of everything.
func newWorld(t *testing.T, engine string, n int) world {
	t.Helper()
	w := world{wallet: apptest.NewWallet(t), task: task{DatabaseURL: apptest.DatabaseURL(t, engine)}}
	// Inside, so that the service has ended when this returns.
	if !t.Run("setup", func(t *testing.T) { w.fill(t, n) }) {
		t.FailNow()
	}
	return w
}

func (w *world) fill(t *testing.T, n int) {
	a := apptest.StartAt(t, w.DatabaseURL)
	survivor := a.Browser()
	older := survivor.Wallet(w.wallet, "sign_in").Want(http.StatusOK).String("user.id")
	survivor.Provider("github", "link", apptest.Person{Name: "old", Email: "old@ada.example"})
	survivor.PATCH("/v1/me", map[string]any{"display_name": "Old Ada", "metadata": map[string]any{"plan": "pro"}}).Want(http.StatusOK)
	shared := survivor.POST("/v1/teams", map[string]any{"name": "Shared"}).Want(http.StatusCreated).String("id")

	source := a.Browser()
	source.Provider("google", "sign_in", google)
	younger := source.GET("/v1/me").String("id")
	source.PATCH("/v1/me", map[string]any{"metadata": map[string]any{"plan": "free", "beta": true}}).Want(http.StatusOK)
	source.Email("ada@work.example", "link").Want(http.StatusOK)
	source.Wallet(apptest.NewWallet(t), "link").Want(http.StatusOK)
	source.POST("/v1/me/recovery-codes", nil).Want(http.StatusCreated)
	source.Wallet(w.wallet, "link").WantProblem(http.StatusConflict, "identity_taken") // another open ticket
	device := a.Browser()
	device.Provider("google", "sign_in", google)
	own := source.POST("/v1/teams", map[string]any{"name": "Own"}).Want(http.StatusCreated).String("id")
	raised := source.POST("/v1/teams", map[string]any{"name": "Raised"}).Want(http.StatusCreated).String("id")
	source.POST("/v1/teams/"+own+"/sessions", nil).Want(http.StatusCreated)
	device.POST("/v1/teams/"+own+"/sessions", nil).Want(http.StatusCreated)
	invite(t, source, raised, "old@ada.example", survivor)
	invite(t, survivor, shared, "ada@gmail.com", source)
	source.POST("/v1/teams/"+own+"/invitations", map[string]any{"email": "eve@example.com", "role": "member"}).Want(http.StatusCreated)
	more(a, n, younger, older, own)

	choices := map[string]any{"display_name": "source"}
	ticket := source.Wallet(w.wallet, "link").WantProblem(http.StatusConflict, "identity_taken").String("ticket")
	preview := source.POST("/v1/me/merges", map[string]any{"ticket": ticket, "choices": choices}).Want(http.StatusOK)
	if preview.String("source.id") != younger || preview.Len("moves.teams") < 3 || preview.Len("moves.identities") < 3 || preview.Len("gains") < 2 {
		t.Fatalf("preview: %s", preview.Body)
	}
	w.merge = preview.String("id")
	body, err := json.Marshal(map[string]any{"fingerprint": preview.String("fingerprint"), "choices": choices})
	if err != nil {
		t.Fatal(err)
	}
	w.PublicURL, w.Secret, w.Now = a.URL, a.Config.Secret.Reveal(), a.Now()
	w.Request = request{Method: http.MethodPost, Path: "/v1/me/merges/" + w.merge + "/confirm", Body: string(body), Cookies: cookies(t, source)}
	if !apptest.Eventually(func() bool { return a.Count("outbox", "true") == 0 }) {
		t.Fatal("mail is stuck")
	}
}

func invite(t *testing.T, owner *apptest.Browser, team, address string, whom *apptest.Browser) {
	t.Helper()
	id := owner.POST("/v1/teams/"+team+"/invitations", map[string]any{"email": address, "role": "member"}).Want(http.StatusCreated).String("id")
	whom.POST("/v1/me/invitations/"+id+"/accept", nil).Want(http.StatusOK)
}

// more gives the source n sessions, half of them in a team, n/2 invitations that
// they sent, and n/5 each of identities, teams of their own and teams in which the
// survivor is, too. As many addresses are added, but a hundred at most: each gets a mail.
func more(a *apptest.App, n int, source, survivor, team string) {
	if n == 0 {
		return
	}
	const instant = "'2026-01-02 03:04:05+00'"
	rows := map[string][]string{}
	add := func(into, format string, args ...any) { rows[into] = append(rows[into], fmt.Sprintf(format, args...)) }
	const teams, members = "teams (id, name, created_at, updated_at)", "memberships (team_id, user_id, role, created_at)"
	for i := range n {
		session := identity.NewID()
		hash := fmt.Sprintf("'\\x%064x'", i)
		if a.Config.Engine() == "sqlite" {
			hash = fmt.Sprintf("x'%064x'", i)
		}
		add("sessions (id, user_id, token_hash, methods, created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at)",
			"'%s', '%s', %s, 'google', %[4]s, %[4]s, %[4]s, '2036-01-02 03:04:05+00', '2036-01-02 03:04:05+00'", session, source, hash, instant)
		if i%2 == 0 {
			add("team_sessions (id, team_id, session_id, user_id, created_at)", "'%s', '%s', '%s', '%s', %s", identity.NewID(), team, session, source, instant)
			add("invitations (id, team_id, email, role, invited_by, created_at, expires_at)",
				"'%s', '%s', 'guest%d@example.com', 'member', '%s', %s, '2036-01-02 03:04:05+00'", identity.NewID(), team, i, source, instant)
		}
		if i%5 == 0 {
			add("identities (id, user_id, provider, subject, created_at, last_used_at)", "'%s', '%s', 'github', 'more%d', %[4]s, %[4]s", identity.NewID(), source, i, instant)
			if i < 500 {
				add("emails (address, user_id, source, verified_at)", "'more%d@example.com', '%s', 'github', %s", i, source, instant)
				add("vouchers (id, address, provider, subject, user_id, first_vouched_at, last_vouched_at)",
					"'%s', 'more%[2]d@example.com', 'github', 'more%[2]d', '%[3]s', %[4]s, %[4]s", identity.NewID(), i, source, instant)
			}
			for _, both := range []bool{false, true} {
				id := identity.NewID()
				add(teams, "'%s', 'More', %[2]s, %[2]s", id, instant)
				add(members, "'%s', '%s', 'owner', %s", id, source, instant)
				if both {
					add(members, "'%s', '%s', 'member', %s", id, survivor, instant)
				}
			}
		}
	}
	for _, into := range []string{"sessions", "team_sessions", "invitations", "identities", "emails", "vouchers", "teams", "memberships"} {
		for name, values := range rows {
			if strings.HasPrefix(name, into+" ") {
				a.Exec("%s", "INSERT INTO "+name+" VALUES ("+strings.Join(values, "), (")+")")
			}
		}
	}
}

func cookies(t *testing.T, b *apptest.Browser) string {
	t.Helper()
	u, err := url.Parse(b.App.URL)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range b.Client.Jar.Cookies(u) {
		out = append(out, c.Name+"="+c.Value)
	}
	return strings.Join(out, "; ")
}

// copied returns the same world in another database.
func (w world) copied(t *testing.T) world {
	t.Helper()
	path, sqlite := strings.CutPrefix(w.DatabaseURL, "sqlite://")
	if !sqlite {
		w.DatabaseURL = testpg.Copy(t, w.DatabaseURL)
		return w
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	for _, end := range []string{"", "-wal"} {
		from, err := os.Open(path + end)
		if os.IsNotExist(err) {
			continue // closed cleanly
		}
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.Create(to + end)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(file, from); err != nil {
			t.Fatal(err)
		}
		_, _ = from.Close(), file.Close()
	}
	w.DatabaseURL = "sqlite://" + to
	return w
}

// next is the world after a merge, in which its undo is about to be asked for.
func (w world) next(confirmed outcome) world {
	kept := map[string]string{}
	for pair := range strings.SplitSeq(w.Request.Cookies, "; ") {
		name, value, _ := strings.Cut(pair, "=")
		kept[name] = value
	}
	for _, c := range (&http.Response{Header: confirmed.Header}).Cookies() {
		kept[c.Name] = c.Value
	}
	var out []string
	for name, value := range kept {
		out = append(out, name+"="+value)
	}
	w.Request = request{Method: http.MethodPost, Path: "/v1/me/merges/" + w.merge + "/undo", Cookies: strings.Join(out, "; ")}
	return w
}
