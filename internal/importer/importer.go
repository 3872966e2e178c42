// Package importer brings the users of another system over: Auth.js, Better
// Auth, Supabase Auth or a CSV file. What it cannot be sure of it leaves out
// and reports; who may be there twice it notes for `latchkey dedupe`.
package importer

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// Person is a user as a source has it.
type Person struct {
	ID        string
	Name      string
	Image     string
	Email     string
	Verified  bool   // the source says that Email is verified
	Refused   string // why the source itself would not let this user in
	CreatedAt *time.Time
	Accounts  []Account
}

// Account is one identity of a Person at the source.
type Account struct {
	Provider string
	Subject  string
	Email    string
	ChainID  int64
	Primary  bool
}

// Source is a system that is read from. It is never written to.
type Source interface {
	// Next returns up to limit people; none at the end.
	Next(ctx context.Context, limit int) ([]Person, error)
	Close() error
}

// Store is where an import goes.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	ImportedIDs(ctx context.Context, origin string, sourceIDs []string) ([]string, error)
	Spellings(ctx context.Context, users []identity.ID) ([]identity.Imported, error)
	IdentitiesBySubject(ctx context.Context, provider string, subjects []string) ([]identity.Identity, error)
	IdentitiesShowing(ctx context.Context, addresses []string, limit int) ([]identity.Identity, error)
	EmailOwners(ctx context.Context, addresses []string) ([]identity.Email, error)
	UsersNamed(ctx context.Context, names []string, limit int) ([]identity.User, error)
	LockUsers(ctx context.Context, ids ...identity.ID) ([]identity.User, error)
	Import(ctx context.Context, b identity.ImportBatch) error
	RecordDuplicates(ctx context.Context, pairs []linking.Duplicate) error
}

// Options are how to import.
type Options struct {
	Origin   string // names the source; with the user's id there it is remembered
	Batch    int    // people a transaction
	DryRun   bool   // read and report, write nothing
	Now      identity.Clock
	Progress io.Writer
}

// MaxBatch bounds a transaction.
const MaxBatch = 5000

// Run imports everything in batches, each in one transaction. After a failure
// the batches before it stay, and running it again goes on.
func Run(ctx context.Context, store Store, src Source, o Options) (*Report, error) {
	total := NewReport()
	if o.Batch < 1 || o.Batch > MaxBatch {
		return total, fmt.Errorf("a batch is of 1 to %d people", MaxBatch)
	}
	known := newFacts()
	for {
		people, err := src.Next(ctx, o.Batch)
		if err != nil || len(people) == 0 {
			return total, err
		}
		var done *Report
		if o.DryRun {
			// What would have been written stays in known, for the batches after.
			done, err = dryRun(ctx, store, known, people, o)
		} else {
			err = store.InTx(ctx, func(ctx context.Context) error {
				p := newPlan(newFacts(), o)
				if err := p.facts.load(ctx, store, o.Origin, people); err != nil {
					return err
				}
				p.add(people)
				done = p.report
				if err := store.Import(ctx, p.batch); err != nil {
					return err
				}
				return store.RecordDuplicates(ctx, p.pairs)
			})
		}
		if err != nil {
			return total, err
		}
		total.add(done)
		if _, err := fmt.Fprintf(o.Progress, "read %d, created %d users\n", total.Read, total.Created); err != nil {
			return total, err
		}
	}
}

func dryRun(ctx context.Context, store Store, known *facts, people []Person, o Options) (*Report, error) {
	if err := known.load(ctx, store, o.Origin, people); err != nil {
		return nil, err
	}
	p := newPlan(known, o)
	p.add(people)
	return p.report, nil
}
