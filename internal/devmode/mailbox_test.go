package devmode_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/internal/devmode"
	"github.com/latchkey/latchkey/internal/mail"
)

func TestMailbox(t *testing.T) {
	box := devmode.NewMailbox(func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) })
	get := func(path, accept string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		box.Handler().ServeHTTP(w, r)
		return w
	}
	if w := get("/dev/mail", "text/html"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "none yet") {
		t.Errorf("empty: %d %s", w.Code, w.Body)
	}
	for i := range 150 {
		m := mail.Message{
			ID: fmt.Sprintf("m%d@host", i), To: "ada@example.com", Subject: fmt.Sprintf("<b>letter %d", i),
			Text: "Open https://id.example/a?b=c&d=e#f \"now\" <script>alert(1)</script>", HTML: `<p class="x">Hi "you"</p><script>alert(1)</script>`,
		}
		if i == 149 {
			m.Text += strings.Repeat("x", 1<<20)
		}
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	list := get("/dev/mail", "text/html")
	if s := list.Body.String(); strings.Count(s, "<li>") != 100 || strings.Index(s, "letter 149") > strings.Index(s, "letter 148") || strings.Contains(s, "<b>") {
		t.Errorf("list:\n%s", s)
	}
	one := get("/dev/mail/m148", "text/html")
	s := one.Body.String()
	for _, want := range []string{
		`<a href="https://id.example/a?b=c&amp;d=e#f" target="_blank"`, `&#34;now&#34; &lt;script&gt;`,
		`sandbox="allow-popups allow-popups-to-escape-sandbox"`, `&lt;p class=&#34;x&#34;&gt;Hi &#34;you&#34;`,
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %s in\n%s", want, s)
		}
	}
	if strings.Contains(s, "<script") || strings.Contains(s, "allow-scripts") || strings.Contains(s, "allow-same-origin") {
		t.Errorf("scripts of a mail could run:\n%s", s)
	}
	if p := one.Header().Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "script-src") {
		t.Errorf("policy %q", p)
	}
	var letters []devmode.Letter
	if err := json.Unmarshal(get("/dev/mail", "application/json").Body.Bytes(), &letters); err != nil || len(letters) != 100 || letters[0].ID != "m149" || len(letters[0].Text) > 256<<10 {
		t.Errorf("%v, %d letters", err, len(letters))
	}
	if w := get("/dev/mail/m1", "text/html"); w.Code != http.StatusNotFound {
		t.Errorf("one that fell out: %d", w.Code)
	}
}
