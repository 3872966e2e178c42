package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
	"github.com/latchkey/latchkey/internal/testkit/storagetest"
)

func TestEmailNeedsAMailServer(t *testing.T) {
	a := apptest.SQLite(t, "LATCHKEY_PUBLIC_URL=https://id.example.com")
	b := a.Browser()
	if strings.Contains(string(b.GET("/v1/auth/providers").Want(http.StatusOK).Body), "email") {
		t.Error("e-mail is offered")
	}
	b.POST("/v1/auth/email/start", startBody("ada@example.com")).WantProblem(http.StatusNotFound, "provider_not_configured")
	b.EmailToken("x").WantProblem(http.StatusNotFound, "provider_not_configured")
	b.GET("/dev/mail").Want(http.StatusNotFound)
}

func TestEmailLeavesByAMailServerOnceItIsUp(t *testing.T) {
	t.Parallel()
	for _, engine := range storagetest.Engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			gone := apptest.NewPost(t, "", "", "") // learns a free port
			database := apptest.DatabaseURL(t, engine)
			env := append(gone.Env(), "LATCHKEY_PUBLIC_URL=https://id.example.com")
			gone.Close()
			a := apptest.StartAt(t, database, env...)
			b := a.Browser()
			b.POST("/v1/auth/email/start", startBody("ada@example.com")).Want(http.StatusAccepted)
			if !apptest.Eventually(func() bool { return strings.Contains(a.Log.String(), "task failed") }) {
				t.Fatal("the mail server was never missed")
			}
			for _, row := range a.Snapshot()["outbox"] {
				if strings.Contains(row, "ada@") || strings.Contains(row, "email_token") {
					t.Errorf("the outbox is readable: %s", row)
				}
			}
			post := apptest.NewPost(t, gone.Addr, "", "")
			replica := apptest.StartAt(t, database, env...)
			a.Advance(time.Minute)
			replica.Advance(time.Minute)
			if !apptest.Eventually(func() bool { return len(post.Mail()) > 0 && a.Count("outbox", "1 = 1") == 0 }) {
				t.Fatalf("nothing arrived\n%s", a.Log)
			}
			time.Sleep(1500 * time.Millisecond) // both have looked again
			if n := len(post.Mail()); n != 1 {
				t.Fatalf("%d letters, want 1", n)
			}
			_, token, _ := strings.Cut(decoded(post.Mail()[0].Data), "https://id.example.com/sign-in#email_token=")
			token, _, _ = strings.Cut(token, "\n")
			b.EmailToken(strings.TrimSpace(token)).Want(http.StatusOK)
		})
	}
}

// decoded undoes the quoted-printable of the text part.
func decoded(data string) string {
	return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(data)
}
