package apptest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Letter is a mail in the development mailbox.
type Letter struct {
	ID, To, Subject, Text, HTML string
}

// Mail returns what is in the mailbox for an address, newest first.
func (a *App) Mail(t *testing.T, address string) []Letter {
	t.Helper()
	var all, out []Letter
	answer := a.Browser().In(t).With("Accept", "application/json").GET("/dev/mail").Want(http.StatusOK)
	if err := json.Unmarshal(answer.Body, &all); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if strings.EqualFold(l.To, address) {
			out = append(out, l)
		}
	}
	return out
}

// WaitMail waits until an address has n letters, and returns the newest.
func (a *App) WaitMail(t *testing.T, address string, n int) Letter {
	t.Helper()
	var mail []Letter
	if !Eventually(func() bool { mail = a.Mail(t, address); return len(mail) >= n }) {
		t.Fatalf("%s has %d letters, want %d", address, len(mail), n)
	}
	return mail[0]
}

// WaitLetter waits for a letter to an address that has all words, each in its subject or
// its text. Letters sent at about the same time arrive in any order.
func (a *App) WaitLetter(t *testing.T, address string, words ...string) {
	t.Helper()
	hasAll := func(l Letter) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(l.Subject+"\n"+l.Text, w) })
	}
	if !Eventually(func() bool { return slices.ContainsFunc(a.Mail(t, address), hasAll) }) {
		t.Fatalf("%s has no letter with %q: %+v", address, words, a.Mail(t, address))
	}
}

// Eventually waits for something to become true, long enough for a busy machine.
func Eventually(is func() bool) bool {
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return is()
}

var (
	letterLink = regexp.MustCompile(`https?://\S+`)
	letterCode = regexp.MustCompile(`(?m)^[0-9]{6}$`)
)

// Link is the link of a letter.
func (l Letter) Link() string { return letterLink.FindString(l.Text) }

// Token is the token in the link.
func (l Letter) Token() string {
	_, token, _ := strings.Cut(l.Link(), "#email_token=")
	return token
}

// Code is the code of a letter.
func (l Letter) Code() string { return letterCode.FindString(l.Text) }

// StartEmail asks for a letter and returns it.
func (b *Browser) StartEmail(address, purpose string) Letter {
	b.T.Helper()
	had := len(b.App.Mail(b.T, address))
	b.POST("/v1/auth/email/start", map[string]any{"email": address, "purpose": purpose}).Want(http.StatusAccepted)
	return b.App.WaitMail(b.T, address, had+1)
}

// Email proves an address for a purpose, by the link.
func (b *Browser) Email(address, purpose string) *Answer {
	b.T.Helper()
	return b.EmailToken(b.StartEmail(address, purpose).Token())
}

// EmailToken redeems the token of a link.
func (b *Browser) EmailToken(token string) *Answer {
	b.T.Helper()
	return b.POST("/v1/auth/email/verify", map[string]any{"token": token})
}

// EmailCode redeems a code, with an address unless it is "".
func (b *Browser) EmailCode(code, address string) *Answer {
	b.T.Helper()
	body := map[string]any{"code": code}
	if address != "" {
		body["email"] = address
	}
	return b.POST("/v1/auth/email/verify", body)
}
