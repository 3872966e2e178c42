package importer

import (
	"context"
	"errors"
	"fmt"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// errRolledBack ends the transactions of a dry run.
var errRolledBack = errors.New("dry run")

// run is an import under way.
type run struct {
	store  Store
	src    Source
	o      Options
	shared map[key]string
	memory *notes // of a dry run, else nil
	total  *Report
}

// Run imports everything in batches, each in one transaction. After a failure the
// batches before it stay, and running it again goes on.
func Run(ctx context.Context, store Store, src Source, o Options) (report *Report, err error) {
	r := &run{store: store, src: src, o: o, total: NewReport()}
	r.total.Updated = o.Update
	if o.Batch < 1 || o.Batch > MaxBatch {
		return r.total, fmt.Errorf("a batch is of 1 to %d people", MaxBatch)
	}
	if o.Erased == nil {
		erased, err := store.ErasedImported(ctx, o.Origin)
		if err != nil {
			return r.total, err
		}
		if erased {
			return r.total, errors.New("users of this source were deleted: set LATCHKEY_SECRET, by which the import knows them and does not bring them back")
		}
	}
	if o.DryRun {
		if r.memory, err = newNotes(ctx); err != nil {
			return r.total, err
		}
		defer func() { err = errors.Join(err, r.memory.Close()) }()
	}
	if err := r.findShared(ctx); err != nil {
		return r.total, err
	}
	if err := r.people(ctx); err != nil {
		return r.total, err
	}
	if err := r.settlePending(ctx); err != nil {
		return r.total, err
	}
	if err := r.teams(ctx); err != nil {
		return r.total, err
	}
	return r.total, r.faults()
}

// findShared decides who keeps an account that several people of the source have: who
// has verified the address that the account shows, else the older one.
func (r *run) findShared(ctx context.Context) error {
	claims, err := r.src.Shared(ctx)
	if err != nil {
		return err
	}
	r.shared = map[key]string{}
	best := map[key]Claim{}
	for _, c := range claims {
		l, reason := r.o.Providers.read(c.Account)
		if reason != "" {
			continue
		}
		have, several := best[l.key()]
		if !several || c.before(have) {
			best[l.key()] = c
			r.shared[l.key()] = c.PersonID
		}
	}
	return nil
}

// before reports whether the claim is better than another.
func (c Claim) before(o Claim) bool {
	shows := func(c Claim) bool { return c.Email != "" && sameAddress(c.Account.Email, c.Email) }
	switch {
	case shows(c) != shows(o):
		return shows(c)
	case (c.CreatedAt == nil) != (o.CreatedAt == nil):
		return c.CreatedAt != nil
	case c.CreatedAt != nil && !c.CreatedAt.Equal(*o.CreatedAt):
		return c.CreatedAt.Before(*o.CreatedAt)
	}
	return c.PersonID < o.PersonID
}

func (r *run) people(ctx context.Context) error {
	size, err := r.src.Total(ctx)
	if err != nil {
		return err
	}
	r.o.Progress.begin("users", size)
	for {
		people, err := r.src.Next(ctx, r.o.Batch)
		if err != nil {
			return err
		}
		if err := r.faults(); err != nil {
			return err
		}
		if len(people) == 0 {
			break
		}
		if err := r.batch(ctx, people); err != nil {
			return err
		}
		if err := r.o.Progress.at(int64(r.total.Read), r.total.Created); err != nil {
			return err
		}
	}
	if missing := size - int64(r.total.Read); size >= 0 && missing != 0 {
		reason := fmt.Sprintf("the source counts %d users and gave %d: an id that is empty or repeats, or a user who came or left meanwhile", size, r.total.Read)
		if err := r.merge(&Report{entries: []Entry{{Skipped: missing > 0, Reason: reason}}}); err != nil {
			return err
		}
	}
	return r.o.Progress.end(int64(r.total.Read), r.total.Created)
}

// faults reports what was wrong with the source itself.
func (r *run) faults() error {
	found := NewReport()
	for _, f := range r.src.Faults() {
		found.fault(f)
	}
	found.Skipped, found.Notes = nil, nil
	return r.merge(found)
}

// merge adds to the report, and passes its lines on.
func (r *run) merge(done *Report) error {
	for _, e := range r.total.add(done) {
		if r.o.Each == nil {
			break
		}
		if err := r.o.Each(e); err != nil {
			return err
		}
	}
	return nil
}

// batch imports people in one transaction. If the database refuses a row, the halves
// go on their own, until the row is found and named.
func (r *run) batch(ctx context.Context, people []Person) error {
	p, err := r.write(ctx, people)
	refused, ok := errors.AsType[*identity.ImportRefusedError](err)
	if ok && refused.Constraint != "" && len(people) == 1 {
		// Somebody may have signed in meanwhile: with the facts as they are now it works.
		p, err = r.write(ctx, people)
		refused, ok = errors.AsType[*identity.ImportRefusedError](err)
	}
	switch {
	case ok && len(people) == 1:
		failed := NewReport()
		failed.Read = 1
		failed.entries = []Entry{{Skipped: true, Reason: "the database does not take it: " + refused.Reason, ID: people[0].ID, Line: people[0].Line}}
		return r.merge(failed)
	case ok:
		half := len(people) / 2
		if err := r.batch(ctx, people[:half]); err != nil {
			return err
		}
		return r.batch(ctx, people[half:])
	case err != nil:
		return err
	}
	if r.memory != nil {
		if err := r.memory.keep(ctx, p.notes); err != nil {
			return err
		}
	}
	// What was counted while planning is in entries, too.
	p.report.Skipped, p.report.Notes = nil, nil
	return r.merge(p.report)
}

// write plans a batch and writes it; a dry run rolls it back.
func (r *run) write(ctx context.Context, people []Person) (*plan, error) {
	var p *plan
	err := r.store.InTx(ctx, func(ctx context.Context) error {
		p = newPlan(newFacts(), r.shared, r.o)
		if err := p.facts.load(ctx, r.store, r.memory, r.o, people); err != nil {
			return err
		}
		p.add(people)
		if err := r.store.Import(ctx, p.batch); err != nil {
			return err
		}
		if err := r.suspend(ctx, p); err != nil {
			return err
		}
		if r.o.DryRun {
			return errRolledBack // pairs may be with users of batches that were rolled back
		}
		return r.store.RecordDuplicates(ctx, p.pairs)
	})
	if errors.Is(err, errRolledBack) {
		err = nil
	}
	return p, err
}

// settlePending notes the pairs of which one came later than the other.
func (r *run) settlePending(ctx context.Context) error {
	for len(r.total.pending) > 0 {
		page := r.total.pending[:min(r.o.Batch, len(r.total.pending))]
		r.total.pending = r.total.pending[len(page):]
		if r.o.DryRun {
			r.total.Pairs[linking.DuplicateHint] += len(page)
			continue
		}
		var ids []string
		for _, w := range page {
			ids = append(ids, w.source)
		}
		noted := 0
		err := r.store.InTx(ctx, func(ctx context.Context) error {
			found, err := importedUsers(ctx, r.store, r.o, ids)
			if err != nil {
				return err
			}
			users := map[string]identity.ID{}
			for _, i := range found {
				users[i.SourceID] = i.UserID
			}
			var pairs []linking.Duplicate
			seen := map[[2]identity.ID]bool{}
			for _, w := range page {
				other, here := users[w.source]
				if !here || other == w.user.FirstID {
					continue
				}
				d := linking.NewDuplicate(w.user.FirstID, other, linking.DuplicateHint, w.user.Reason, r.o.Now())
				if k := [2]identity.ID{d.FirstID, d.SecondID}; !seen[k] {
					seen[k] = true
					pairs = append(pairs, d)
				}
			}
			noted = len(pairs)
			return r.store.RecordDuplicates(ctx, pairs)
		})
		if err != nil {
			return err
		}
		r.total.Pairs[linking.DuplicateHint] += noted
	}
	return nil
}
