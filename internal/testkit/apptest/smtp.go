package apptest

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// Post is a mail server that keeps what it is sent.
type Post struct {
	Addr string

	mu     sync.Mutex
	mail   []Posted
	refuse error // answer to RCPT, if any
	user   string
	pass   string

	server   *smtp.Server
	listener net.Listener
}

// Posted is a letter as it arrived.
type Posted struct {
	From string
	To   []string
	Data string // header and body
}

// Header returns the value of a header, unfolded, "" if there is none.
func (p Posted) Header(name string) string {
	head, _, _ := strings.Cut(p.Data, "\r\n\r\n")
	for line := range strings.SplitSeq(strings.ReplaceAll(head, "\r\n ", " "), "\r\n") {
		if n, v, ok := strings.Cut(line, ": "); ok && strings.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// Letter reads the text of a letter.
func (p Posted) Letter() Letter {
	_, body, _ := strings.Cut(p.Data, "\r\n\r\n")
	return Letter{Subject: p.Header("Subject"), Text: strings.NewReplacer("=\r\n", "", "\r\n", "\n", "=3D", "=").Replace(body)}
}

// NewPost starts a mail server on an address, "" for any. With a user it wants
// AUTH PLAIN.
func NewPost(t *testing.T, addr, user, pass string) *Post {
	t.Helper()
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	p := &Post{Addr: listener.Addr().String(), user: user, pass: pass}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &letterIn{post: p}, nil }))
	server.AllowInsecureAuth = true
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	server.ErrorLog = discard{}
	p.server, p.listener = server, listener
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(p.Close)
	return p
}

// Env configures a service to send by this server.
func (p *Post) Env() []string {
	userinfo := ""
	if p.user != "" {
		userinfo = p.user + ":" + p.pass + "@"
	}
	return []string{"LATCHKEY_SMTP_URL=smtp://" + userinfo + p.Addr, "LATCHKEY_MAIL_FROM=Keys & Söhne <id@example.com>"}
}

// Close takes the server away; another may take its address.
func (p *Post) Close() {
	_ = p.listener.Close() // which the server may not know yet
	_ = p.server.Close()
}

// Refuse makes the server answer RCPT so; nil for taking it.
func (p *Post) Refuse(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = err
}

// Mail returns what has arrived.
func (p *Post) Mail() []Posted {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Posted(nil), p.mail...)
}

type discard struct{}

func (discard) Printf(string, ...any) {}
func (discard) Println(...any)        {}

// letterIn is one session with the server.
type letterIn struct {
	post   *Post
	now    Posted
	authed bool
}

func (l *letterIn) AuthMechanisms() []string {
	if l.post.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (l *letterIn) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if user != l.post.user || pass != l.post.pass {
			return errors.New("wrong")
		}
		l.authed = true
		return nil
	}), nil
}

func (l *letterIn) Mail(from string, _ *smtp.MailOptions) error {
	if l.post.user != "" && !l.authed {
		return smtp.ErrAuthRequired
	}
	l.now = Posted{From: from}
	return nil
}

func (l *letterIn) Rcpt(to string, _ *smtp.RcptOptions) error {
	l.post.mu.Lock()
	defer l.post.mu.Unlock()
	l.now.To = append(l.now.To, to)
	return l.post.refuse
}

func (l *letterIn) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	l.now.Data = string(raw)
	l.post.mu.Lock()
	defer l.post.mu.Unlock()
	l.post.mail = append(l.post.mail, l.now)
	return nil
}

func (l *letterIn) Reset()        { l.now = Posted{} }
func (l *letterIn) Logout() error { return nil }
