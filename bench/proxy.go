package main

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// proxy sits between a service and PostgreSQL and records what is sent, on the
// wire, where no driver or query builder can hide anything.
type proxy struct {
	listener net.Listener
	network  string
	server   string

	mu         sync.Mutex
	statements []string
	roundTrips int
}

// newProxy returns a proxy and the database's URL through it.
func newProxy(databaseURL string) (*proxy, string, error) {
	config, err := pgconn.ParseConfig(databaseURL)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	p := &proxy{listener: l}
	p.network, p.server = pgconn.NetworkAddress(config.Host, config.Port)
	go p.accept()
	through := &url.URL{
		Scheme: "postgres", User: url.UserPassword(config.User, config.Password), Host: l.Addr().String(),
		Path: "/" + config.Database, RawQuery: "sslmode=disable",
	}
	return p, through.String(), nil
}

func (p *proxy) close() { _ = p.listener.Close() }

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.serve(client)
	}
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial(p.network, p.server) //nolint:noctx // ends with the client
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	go func() { _, _ = io.Copy(client, server) }()
	// What is read here has been passed on already, byte for byte.
	reader := pgproto3.NewBackend(io.TeeReader(client, server), io.Discard)
	if _, err := reader.ReceiveStartupMessage(); err != nil {
		return
	}
	prepared, portals := map[string]string{}, map[string]string{}
	for {
		message, err := reader.Receive()
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *pgproto3.Query:
			p.saw(1, strings.Split(strings.TrimSuffix(m.String, ";"), ";\n")...)
		case *pgproto3.Parse:
			prepared[m.Name] = m.Query
		case *pgproto3.Bind:
			portals[m.DestinationPortal] = prepared[m.PreparedStatement]
		case *pgproto3.Execute:
			p.saw(0, portals[m.Portal])
		case *pgproto3.Sync:
			p.saw(1)
		}
	}
}

func (p *proxy) saw(roundTrips int, statements ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.roundTrips += roundTrips
	p.statements = append(p.statements, statements...)
}

// during returns what was asked while something was done, without what the
// service asks all the time: for a sign of life, and whether there are events to
// be chained.
func (p *proxy) during(do func() error) (statements []string, roundTrips int, err error) {
	p.mu.Lock()
	p.statements, p.roundTrips = nil, 0
	p.mu.Unlock()
	err = do()
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(p.statements, func(s string) bool {
		return s == "SELECT pg_backend_pid()" || strings.HasPrefix(s, "-- ping") || gist(s) == "select audit_progress"
	}), p.roundTrips, err
}

// gist is the verb of a statement and the table it is about.
func gist(statement string) string {
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
