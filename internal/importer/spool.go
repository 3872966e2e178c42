package importer

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// leftFactors is said of users who have what cannot be taken over.
const leftFactors = "second factors and passkeys are not taken over"

// spool is a file, sorted by user on disk: a user may have several lines, and they
// need not be adjacent.
type spool struct {
	*scratch
	settings Settings
	found    []Fault
	total    int64
	after    int64

	tx                    *sql.Tx // while it is filled
	person, part, account *sql.Stmt
}

func newSpool(ctx context.Context, settings Settings) (*spool, error) {
	s := &spool{settings: settings}
	var err error
	if s.scratch, err = newScratch(ctx); err != nil {
		return nil, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *spool) prepare(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, `CREATE TABLE people (seq integer PRIMARY KEY, id text NOT NULL UNIQUE);
		CREATE TABLE parts (id text NOT NULL, part text NOT NULL);
		CREATE TABLE accounts (provider text NOT NULL, subject text NOT NULL, id text NOT NULL)`)
	if err != nil {
		return err
	}
	if s.tx, err = s.db.BeginTx(ctx, nil); err != nil {
		return err
	}
	for into, statement := range map[**sql.Stmt]string{
		&s.person:  "INSERT OR IGNORE INTO people (id) VALUES (?)",
		&s.part:    "INSERT INTO parts VALUES (?, ?)",
		&s.account: "INSERT INTO accounts VALUES (?, ?, ?)",
	} {
		if *into, err = s.tx.PrepareContext(ctx, statement); err != nil { //nolint:sqlclosecheck // with the transaction
			return err
		}
	}
	return nil
}

// add keeps what a line or an object says of a person. One without an id is named.
func (s *spool) add(ctx context.Context, p Person) error {
	if p.ID == "" {
		value := p.Name
		if len(p.Addresses) > 0 {
			value = p.Addresses[0].Email
		}
		s.found = append(s.found, Fault{Skipped: true, Reason: "no id", Line: p.Line, Value: value})
		return nil
	}
	part, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if _, err := s.person.ExecContext(ctx, p.ID); err != nil {
		return err
	}
	if _, err := s.part.ExecContext(ctx, p.ID, string(part)); err != nil {
		return err
	}
	for _, a := range p.Accounts {
		if _, err := s.account.ExecContext(ctx, a.Provider, a.Subject, p.ID); err != nil {
			return err
		}
	}
	return nil
}

// filled ends the filling.
func (s *spool) filled(ctx context.Context) error {
	if err := errors.Join(s.person.Close(), s.part.Close(), s.account.Close(), s.tx.Commit()); err != nil {
		return err
	}
	if _, err := s.db.ExecContext(ctx, "CREATE INDEX parts_id ON parts (id); CREATE INDEX accounts_key ON accounts (provider, subject)"); err != nil {
		return err
	}
	return s.db.QueryRowContext(ctx, "SELECT count(*) FROM people").Scan(&s.total)
}

// Total implements Source.
func (s *spool) Total(context.Context) (int64, error) { return s.total, nil }

// Teams implements Source: no export has them.
func (s *spool) Teams(context.Context, int) ([]Team, error) { return nil, nil }

// Faults implements Source.
func (s *spool) Faults() []Fault {
	found := s.found
	s.found = nil
	return found
}

// Next implements Source.
func (s *spool) Next(ctx context.Context, limit int) ([]Person, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT p.seq, p.id, q.part FROM (SELECT seq, id FROM people WHERE seq > ? ORDER BY seq LIMIT ?) AS p
		JOIN parts AS q ON q.id = p.id ORDER BY p.seq, q.rowid`, s.after, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []Person
	for rows.Next() {
		var seq int64
		var id, raw string
		if err := rows.Scan(&seq, &id, &raw); err != nil {
			return nil, err
		}
		part, err := decodePart(raw)
		if err != nil {
			return nil, err
		}
		if seq != s.after || len(out) == 0 {
			out = append(out, part)
		} else {
			out[len(out)-1].join(part)
		}
		s.after = seq
	}
	return out, rows.Err()
}

func decodePart(raw string) (Person, error) {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	var p Person
	err := dec.Decode(&p)
	return p, err
}

// join adds what another line says of the same person. A line with another name and
// another address is another person, whose id was lost: they do not become one.
func (p *Person) join(o Person) {
	same := func(a Address) bool {
		return slices.ContainsFunc(p.Addresses, func(b Address) bool { return sameAddress(a.Email, b.Email) })
	}
	otherName := p.Name != "" && o.Name != "" && !strings.EqualFold(strings.TrimSpace(p.Name), strings.TrimSpace(o.Name))
	otherAddress := len(p.Addresses) > 0 && len(o.Addresses) > 0 && !slices.ContainsFunc(o.Addresses, same)
	if otherName && otherAddress {
		p.Faults = append(p.Faults, Fault{Skipped: true, Reason: "another person under the same id", Line: o.Line, Value: o.Addresses[0].Email})
		return
	}
	if otherName {
		p.Faults = append(p.Faults, Fault{Reason: "second name under one id: the first one counts", Line: o.Line, Value: o.Name})
	}
	for _, a := range o.Addresses {
		i := slices.IndexFunc(p.Addresses, func(b Address) bool { return sameAddress(a.Email, b.Email) })
		switch {
		case i < 0:
			p.Addresses = append(p.Addresses, a)
		case p.Addresses[i].Said && a.Said && p.Addresses[i].Verified != a.Verified:
			p.Addresses[i].Verified, p.Addresses[i].Vetoed = true, true
		case a.Said:
			p.Addresses[i].Verified, p.Addresses[i].Said = a.Verified, true
		}
	}
	if p.Name == "" {
		p.Name = o.Name
	}
	if p.Image == "" {
		p.Image = o.Image
	}
	if o.Ban != nil && (p.Ban == nil || o.Ban.outlasts(p.Ban.Until)) {
		p.Ban = o.Ban
	}
	p.Deleted = p.Deleted || o.Deleted
	if p.CreatedAt == nil || o.CreatedAt != nil && o.CreatedAt.Before(*p.CreatedAt) {
		p.CreatedAt = o.CreatedAt
	}
	if p.Onboarded == nil {
		p.Onboarded = o.Onboarded
	}
	for k, v := range o.AppMetadata {
		if _, have := p.AppMetadata[k]; !have {
			p.app(k, v)
		}
	}
	p.Accounts = append(p.Accounts, o.Accounts...)
	p.Faults = append(p.Faults, o.Faults...)
}

func sameAddress(a, b string) bool {
	return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b))
}

// Shared implements Source.
func (s *spool) Shared(ctx context.Context) ([]Claim, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT DISTINCT a.provider, a.subject, a.id FROM accounts AS a
		JOIN (SELECT provider, subject FROM accounts WHERE subject <> '' GROUP BY provider, subject HAVING count(DISTINCT id) > 1) AS d
		ON d.provider = a.provider AND d.subject = a.subject LIMIT ?`, maxClaims)
	if err != nil {
		return nil, err
	}
	var out []Claim
	for rows.Next() {
		var c Claim
		if err := rows.Scan(&c.Account.Provider, &c.Account.Subject, &c.PersonID); err != nil {
			return nil, errors.Join(err, rows.Close()) //nolint:sqlclosecheck // before the database is asked again
		}
		out = append(out, c)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for i, c := range out {
		var raw string
		if err := s.db.QueryRowContext(ctx, "SELECT part FROM parts WHERE id = ? ORDER BY rowid LIMIT 1", c.PersonID).Scan(&raw); err != nil {
			return nil, err
		}
		p, err := decodePart(raw)
		if err != nil {
			return nil, err
		}
		out[i].CreatedAt = p.CreatedAt
		for _, a := range p.Accounts {
			if a.Provider == c.Account.Provider && a.Subject == c.Account.Subject {
				out[i].Account = a
			}
		}
		for _, a := range p.Addresses {
			if a.Verified && !a.Vetoed && out[i].Email == "" {
				out[i].Email = a.Email
			}
		}
	}
	return out, nil
}
