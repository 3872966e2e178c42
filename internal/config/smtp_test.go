package config_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/config"
)

func TestSMTP(t *testing.T) {
	for set, want := range map[string]config.SMTP{
		"smtps://u:p%40%2F@mail.example.com":  {Host: "mail.example.com", Port: 465, User: "u", Password: "p@/", TLS: config.SMTPImplicit},
		"smtp://u:p@mail.example.com":         {Host: "mail.example.com", Port: 587, User: "u", Password: "p", TLS: config.SMTPStartTLS},
		"smtp://mail.example.com:25/":         {Host: "mail.example.com", Port: 25, TLS: config.SMTPStartTLS},
		"smtp://[::1]:1025":                   {Host: "::1", Port: 1025, TLS: config.SMTPOffered},
		"smtp://u:p@localhost:1025":           {Host: "localhost", Port: 1025, User: "u", Password: "p", TLS: config.SMTPOffered},
		"smtp://mailpit:1025?starttls=never":  {Host: "mailpit", Port: 1025, TLS: config.SMTPClear},
		"smtp://u:p@127.0.0.1?starttls=never": {Host: "127.0.0.1", Port: 587, User: "u", Password: "p", TLS: config.SMTPClear},
		"smtps://mail.example.com:2465":       {Host: "mail.example.com", Port: 2465, TLS: config.SMTPImplicit},
	} {
		c := load(t, "LATCHKEY_SMTP_URL="+set, "LATCHKEY_MAIL_FROM=Keys <id@example.com>")
		got := c.SMTP()
		if got.From.Address != "id@example.com" || got.From.Name != "Keys" || !c.MailEnabled() {
			t.Errorf("%s: from %v", set, got.From)
		}
		if want.From = got.From; got != want || got.Password.Reveal() != want.Password.Reveal() {
			t.Errorf("%s: %+v", set, got)
		}
	}
	if load(t).MailEnabled() {
		t.Error("mail is on by itself")
	}
}

func TestSMTPRefused(t *testing.T) {
	const server, from = "LATCHKEY_SMTP_URL", "LATCHKEY_MAIL_FROM"
	for _, tt := range []struct{ server, from, at, wants string }{
		{"smtp://mail.example.com", "", from, "set both or neither"},
		{"", "id@example.com", server, "set both or neither"},
		{"smtp://mail.example.com", "no-address", from, "no address"},
		{"smtp://mail.example.com", "a@example.com, b@example.com", from, "no address"},
		{"smtp://mail.example.com", "ä@example.com", from, "no address"},
		{"smtp://hunter2@mail.example.com", "id@example.com", server, "without a password"},
		{"smtp://:hunter2@mail.example.com", "id@example.com", server, "without a password"},
		{"smtp://mail.example.com:0", "id@example.com", server, "port"},
		{"smtp://mail.example.com:70000", "id@example.com", server, "port"},
		{"smtp://mail.example.com/path", "id@example.com", server, "more after"},
		{"smtp://mail.example.com?starttls=maybe", "id@example.com", server, "more after"},
		{"smtps://mail.example.com?starttls=never", "id@example.com", server, "more after"},
		{"smtp://u:hunter2@mail.example.com?starttls=never", "id@example.com", server, "in the clear"},
		{"smtp://u:hunter2@:25", "id@example.com", server, "host"},
		{"imap://mail.example.com", "id@example.com", server, "smtp://"},
	} {
		_, err := config.Load([]string{secret, server + "=" + tt.server, from + "=" + tt.from}, false)
		if err == nil {
			t.Errorf("%s with %s is taken", tt.server, tt.from)
			continue
		}
		if names := reported(t, err); !slices.Equal(names, []string{tt.at}) || !strings.Contains(err.Error(), tt.wants) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s with %s: %v", tt.server, tt.from, err)
		}
	}
}
