package devmode

import (
	"context"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/mail"
)

// Bounds of the mailbox, oldest letters first out.
const (
	maxLetters     = 100
	maxLetterBytes = 256 << 10
)

// Letter is a mail that did not leave.
type Letter struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	HTML    string    `json:"html"`
}

// Mailbox keeps all mail of a development server, to be read at /dev/mail.
type Mailbox struct {
	now     identity.Clock
	mu      sync.Mutex
	letters []Letter // oldest first
}

// NewMailbox returns an empty mailbox.
func NewMailbox(now identity.Clock) *Mailbox { return &Mailbox{now: now} }

// Send implements mail.Sender.
func (b *Mailbox) Send(_ context.Context, m mail.Message) error {
	id, _, _ := strings.Cut(m.ID, "@")
	cut := func(s string) string { return s[:min(len(s), maxLetterBytes)] }
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.letters) == maxLetters {
		b.letters = slices.Delete(b.letters, 0, 1)
	}
	b.letters = append(b.letters, Letter{ID: id, At: b.now(), To: m.To, Subject: m.Subject, Text: cut(m.Text), HTML: cut(m.HTML)})
	return nil
}

// newest returns all letters, newest first.
func (b *Mailbox) newest() []Letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.letters)
	slices.Reverse(out)
	return out
}

var (
	mailPages = template.Must(template.New("").Funcs(template.FuncMap{"linked": linked}).ParseFS(files, "mail.html"))
	webLink   = regexp.MustCompile(`https?://[^\s<>"']+`)
)

// The frame that shows the HTML inherits this policy: nothing is fetched, and
// nothing runs. Its links open in a tab of their own.
const mailPolicy = "default-src 'none'; style-src 'self' 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

// Handler serves GET /dev/mail and GET /dev/mail/{id}: pages, or JSON for those
// who ask for it.
func (b *Mailbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /dev/mail", func(w http.ResponseWriter, r *http.Request) {
		b.show(w, r, "list", b.newest())
	})
	mux.HandleFunc("GET /dev/mail/{id}", func(w http.ResponseWriter, r *http.Request) {
		all := b.newest()
		i := slices.IndexFunc(all, func(l Letter) bool { return l.ID == r.PathValue("id") })
		if i < 0 {
			http.NotFound(w, r)
			return
		}
		b.show(w, r, "letter", all[i])
	})
	return mux
}

func (b *Mailbox) show(w http.ResponseWriter, r *http.Request, name string, data any) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", mailPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		h.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(data) // the reader went away
		return
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	_ = mailPages.ExecuteTemplate(w, name, data) // the reader went away
}

// linked is text with its links to be followed.
func linked(text string) template.HTML {
	var out strings.Builder
	at := 0
	for _, m := range webLink.FindAllStringIndex(text, -1) {
		link := template.HTMLEscapeString(text[m[0]:m[1]])
		out.WriteString(template.HTMLEscapeString(text[at:m[0]]))
		out.WriteString(`<a href="` + link + `" target="_blank" rel="noopener noreferrer">` + link + `</a>`)
		at = m[1]
	}
	out.WriteString(template.HTMLEscapeString(text[at:]))
	return template.HTML(out.String()) //nolint:gosec // every part of it was escaped above
}
