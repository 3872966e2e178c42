// Package pgwire watches what PostgreSQL is asked, on the wire, where no driver,
// query builder or queue can hide anything.
package pgwire

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Watcher is called for what passes. Calls come one at a time, whichever the
// connection. Each may be nil.
type Watcher struct {
	// Statement is called before a statement is passed on for execution.
	Statement func(text string)
	// Passed is called once a statement was passed on; the server may be at work on
	// it, but its answer is not back.
	Passed func(text string)
	// Waiting is called when a client waits for all that it has sent to be done: a
	// round trip.
	Waiting func()
	// Done is called before the answer that a statement is done is passed back, with
	// its command tag, as "COMMIT" or "INSERT 0 1".
	Done func(tag string)
}

// Proxy sits between a program and its PostgreSQL.
type Proxy struct {
	listener net.Listener
	network  string
	server   string

	mu sync.Mutex // held during calls of the watcher, and what must not come between
	w  Watcher

	connsMu sync.Mutex
	conns   []net.Conn
}

// Listen returns a proxy in front of a database, and its URL through it.
func Listen(databaseURL string, w Watcher) (*Proxy, string, error) {
	config, err := pgconn.ParseConfig(databaseURL)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	p := &Proxy{listener: l, w: w}
	p.network, p.server = pgconn.NetworkAddress(config.Host, config.Port)
	go p.accept()
	through := &url.URL{
		Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: l.Addr().String(),
		Path: "/" + config.Database, RawQuery: "sslmode=disable",
	}
	return p, through.String(), nil
}

// Close breaks every connection, and lets no new one through.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.connsMu.Lock()
	defer p.connsMu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial(p.network, p.server) //nolint:noctx // ends with the client
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	p.connsMu.Lock()
	p.conns = append(p.conns, client, server)
	p.connsMu.Unlock()
	if !passStartup(server, client) {
		return
	}
	go func() {
		defer func() { _ = client.Close() }()
		p.answers(client, server)
	}()
	p.questions(server, client)
}

// passStartup passes on the first message, which has no type in front.
func passStartup(server io.Writer, client io.Reader) bool {
	message := make([]byte, 4)
	if _, err := io.ReadFull(client, message); err != nil {
		return false
	}
	rest := make([]byte, binary.BigEndian.Uint32(message)-4)
	if _, err := io.ReadFull(client, rest); err != nil {
		return false
	}
	_, err := server.Write(append(message, rest...))
	return err == nil
}

// next reads one message whole; what is behind its length is its body.
func next(r io.Reader) (message []byte, err error) {
	message = make([]byte, 5)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(message[1:])-4)
	_, err = io.ReadFull(r, body)
	return append(message, body...), err
}

func (p *Proxy) questions(server io.Writer, client io.Reader) {
	prepared, portals := map[string]string{}, map[string]string{}
	for {
		message, err := next(client)
		if err != nil {
			return
		}
		var statements []string
		waits := false
		switch body := message[5:]; message[0] {
		case 'Q':
			var m pgproto3.Query
			err = m.Decode(body)
			statements, waits = strings.Split(strings.TrimSuffix(m.String, ";"), ";\n"), true
		case 'P':
			var m pgproto3.Parse
			err = m.Decode(body)
			prepared[m.Name] = m.Query
		case 'B':
			var m pgproto3.Bind
			err = m.Decode(body)
			portals[m.DestinationPortal] = prepared[m.PreparedStatement]
		case 'E':
			var m pgproto3.Execute
			err = m.Decode(body)
			statements = []string{portals[m.Portal]}
		case 'S':
			waits = true
		}
		if err != nil || p.pass(server, message, statements, waits) != nil {
			return
		}
	}
}

func (p *Proxy) pass(server io.Writer, message []byte, statements []string, waits bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range statements {
		call(p.w.Statement, s)
	}
	_, err := server.Write(message)
	for _, s := range statements {
		call(p.w.Passed, s)
	}
	if waits && p.w.Waiting != nil {
		p.w.Waiting()
	}
	return err
}

func (p *Proxy) answers(client io.Writer, server io.Reader) {
	for {
		message, err := next(server)
		if err != nil {
			return
		}
		if message[0] == 'C' {
			var m pgproto3.CommandComplete
			if m.Decode(message[5:]) != nil {
				return
			}
			p.mu.Lock()
			call(p.w.Done, string(m.CommandTag))
			p.mu.Unlock()
		}
		if _, err := client.Write(message); err != nil {
			return
		}
	}
}

func call(f func(string), s string) {
	if f != nil {
		f(s)
	}
}

// Gist is the verb of a statement and the table it is about.
func Gist(statement string) string {
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(statement, `"`, "")))
	if len(words) == 0 {
		return "nothing"
	}
	for i, w := range words[:len(words)-1] {
		if w == "into" || w == "from" || w == "update" && i == 0 {
			return fmt.Sprintf("%s %s", words[0], words[i+1])
		}
	}
	return words[0]
}

// OfDriver reports whether a statement is a connection's own, not the program's:
// a sign of life, which server process answers, or how it plans.
func OfDriver(statement string) bool {
	return statement == "SELECT pg_backend_pid()" || strings.HasPrefix(statement, "-- ping") ||
		strings.HasPrefix(statement, "SET plan_cache_mode")
}
