package config

import (
	"fmt"
	"net/mail"
	"net/url"
	"strconv"
)

// SMTP is how mail leaves.
type SMTP struct {
	Host     string
	Port     int
	User     string
	Password Secret
	TLS      SMTPTLS
	From     mail.Address
}

// SMTPTLS is how a connection to the mail server is protected.
type SMTPTLS string

// A password, or a link to sign in by, does not leave the machine in the clear
// unless the operator has said so.
const (
	SMTPImplicit SMTPTLS = "implicit" // smtps://
	SMTPStartTLS SMTPTLS = "starttls" // smtp://, must be offered
	SMTPOffered  SMTPTLS = "offered"  // smtp:// on this machine, if offered
	SMTPClear    SMTPTLS = "clear"    // smtp://...?starttls=never
)

// MailEnabled reports whether a mail server is configured.
func (c Config) MailEnabled() bool { return c.SMTPURL != "" }

// SMTP returns how mail leaves; only with MailEnabled.
func (c Config) SMTP() SMTP {
	s, err := parseSMTP(c.SMTPURL, c.MailFrom)
	if err != nil {
		panic(err) // check has refused it
	}
	return s
}

func parseSMTP(raw SecretURL, from string) (SMTP, error) {
	u, err := url.Parse(string(raw))
	if err != nil || u.Hostname() == "" {
		return SMTP{}, fmt.Errorf("is not a URL with a host; write smtp://USER:PASSWORD@HOST:PORT, special characters percent-encoded")
	}
	s := SMTP{Host: u.Hostname(), User: u.User.Username(), TLS: SMTPStartTLS, Port: 587}
	password, _ := u.User.Password()
	s.Password = Secret(password)
	switch {
	case u.Scheme == "smtps":
		s.TLS, s.Port = SMTPImplicit, 465
	case Loopback(s.Host):
		s.TLS = SMTPOffered
	}
	if p := u.Port(); p != "" {
		if !validPort(p, 1) {
			return SMTP{}, fmt.Errorf("has a port that is not 1 to 65535")
		}
		s.Port, _ = strconv.Atoi(p) // validPort has read it
	}
	query := u.Query()
	if query.Get("starttls") == "never" && u.Scheme == "smtp" {
		s.TLS = SMTPClear
		query.Del("starttls")
	}
	switch {
	case u.Path != "" && u.Path != "/" || u.Fragment != "" || len(query) > 0:
		return SMTP{}, fmt.Errorf("has more after HOST:PORT than ?starttls=never; remove it")
	case (s.User == "") != (s.Password == ""):
		return SMTP{}, fmt.Errorf("has a user without a password, or the reverse; give both or neither")
	case s.TLS == SMTPClear && s.User != "" && !Loopback(s.Host):
		return SMTP{}, fmt.Errorf("would send the password in the clear; leave out ?starttls=never")
	}
	if from == "" {
		return s, nil
	}
	address, err := mail.ParseAddress(from)
	if err != nil {
		return SMTP{}, fmt.Errorf("from: %w", err)
	}
	s.From = *address
	return s, nil
}

// checkMail refuses a mail server without a sender, or the reverse.
func (c *Config) checkMail(problems *problems) {
	const server, from = "LATCHKEY_SMTP_URL", "LATCHKEY_MAIL_FROM"
	if c.MailFrom != "" && !problems.has(from) {
		if a, err := mail.ParseAddress(c.MailFrom); err != nil || !printableASCII(a.Address) {
			problems.add(from, "is no address; give such as id@example.com, or Example <id@example.com>")
		}
	}
	switch {
	case problems.has(server) || problems.has(from):
	case c.SMTPURL != "" && c.MailFrom == "":
		problems.add(from, "is not set, but %s is; set both or neither", server)
	case c.SMTPURL == "" && c.MailFrom != "":
		problems.add(server, "is not set, but %s is; set both or neither", from)
	case c.SMTPURL != "":
		if _, err := parseSMTP(c.SMTPURL, c.MailFrom); err != nil {
			problems.add(server, "%v", err)
		}
	}
}

func printableASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
