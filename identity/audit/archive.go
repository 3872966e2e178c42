package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// ErrNotNext is that another replica archived the same events first.
var ErrNotNext = errors.New("audit: another replica archived these events")

const (
	// archiveEvents bounds a file, to about 50 MB.
	archiveEvents = 50_000
	// archiverLease is renewed for each file, which takes a small part of it.
	archiverLease = 5 * time.Minute
	// dropBatch bounds a transaction that deletes.
	dropBatch = 500
)

// Archiver takes old events out of the trail and puts them into files.
type Archiver struct {
	store   ArchiveStore
	dir     string
	now     func() time.Time
	replica identity.ID
}

// NewArchiver returns an archiver that writes to a directory, which has to be there.
func NewArchiver(store ArchiveStore, dir string, now func() time.Time) *Archiver {
	return &Archiver{store: store, dir: dir, now: now, replica: identity.NewID()}
}

// Run archives the events from before a time, file by file, and then drops them: a
// file is on the disk and was read again before anything of it is dropped. It
// returns the files that it wrote. While another replica is at it, it does nothing.
func (a *Archiver) Run(ctx context.Context, before time.Time) (files []Archive, err error) {
	for {
		ours, err := a.store.LeaseArchiver(ctx, a.replica, a.now(), a.now().Add(archiverLease))
		if err != nil || !ours {
			return files, err
		}
		for more := true; more; { // also of a run that was broken off
			if more, err = a.store.DropArchived(ctx, dropBatch); err != nil {
				return files, err
			}
		}
		file, err := a.next(ctx, before)
		if err != nil || file == nil {
			return files, errors.Join(err, a.store.ReleaseArchiver(context.WithoutCancel(ctx), a.replica))
		}
		files = append(files, *file)
	}
}

// next writes the next file, nil for none.
func (a *Archiver) next(ctx context.Context, before time.Time) (*Archive, error) {
	chains, err := a.store.OldChains(ctx, before, archiveEvents)
	if err != nil || len(chains) == 0 {
		return nil, err
	}
	slices.SortFunc(chains, func(a, b identity.ID) int { return bytes.Compare(a[:], b[:]) }) // as in an export
	earlier, err := a.store.Archived(ctx)
	if err != nil {
		return nil, err
	}
	temporary, err := os.CreateTemp(a.dir, ".audit-*.partial")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(temporary.Name()) }() // gone, when it has its name
	p := part{store: a.store, before: before, from: map[identity.ID]Checkpoint{}}
	err = p.write(ctx, chains, temporary)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil || p.archive.Events == 0 {
		return nil, err
	}
	p.archive.Number, p.archive.CreatedAt = earlier.Files+1, a.now()
	if p.archive.Digest, err = p.check(temporary.Name()); err != nil {
		return nil, fmt.Errorf("the file is not what was written: %w", err)
	}
	p.archive.Name = fmt.Sprintf("audit-%06d-%x.ndjson", p.archive.Number, p.archive.Digest[:4])
	made, err := a.place(temporary.Name(), p.archive)
	if err != nil {
		return nil, err
	}
	if err := a.store.InsertArchive(ctx, p.archive, p.from, p.to); err != nil {
		if made && errors.Is(err, ErrNotNext) {
			err = errors.Join(err, os.Remove(filepath.Join(a.dir, p.archive.Name)))
		}
		return nil, err
	}
	return &p.archive, nil
}

// place gives the file its name, and reports whether it was not there: a run that was
// broken off may have written the same.
func (a *Archiver) place(temporary string, file Archive) (made bool, err error) {
	name := filepath.Join(a.dir, file.Name)
	if err = os.Link(temporary, name); errors.Is(err, os.ErrExist) {
		digest, err := digestOf(name)
		if err == nil && !bytes.Equal(digest, file.Digest) {
			err = fmt.Errorf("%s is there and is another file", name)
		}
		return false, err
	}
	if err != nil {
		return false, err
	}
	dir, err := os.Open(a.dir)
	if err != nil {
		return true, err
	}
	return true, errors.Join(dir.Sync(), dir.Close())
}

func digestOf(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // in the directory of the operator
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// part is what goes into one file.
type part struct {
	store   ArchiveStore
	before  time.Time
	archive Archive
	from    map[identity.ID]Checkpoint // the zero one for a chain of which nothing is archived
	to      []Checkpoint
}

// broken collects what is broken. A trail that is not whole is neither archived nor
// dropped.
type broken []string

func (b *broken) err() error {
	if len(*b) == 0 {
		return nil
	}
	return fmt.Errorf("the audit trail is broken, so nothing of it is archived: %s", strings.Join(*b, "; "))
}

func (b *broken) report() Report {
	return Report{Broken: func(at Break) { *b = append(*b, at.String()) }, Whole: func(Head) {}}
}

func (p *part) write(ctx context.Context, chains []identity.ID, file io.Writer) error {
	out := bufio.NewWriter(file)
	for _, chain := range chains {
		if p.archive.Events >= archiveEvents {
			break
		}
		if err := p.chain(ctx, chain, out); err != nil {
			return err
		}
	}
	return out.Flush()
}

// chain writes what of a chain is old enough. Events that were chained one by one are
// taken up to the last seal, if there is one: a checkpoint behind it has its place.
func (p *part) chain(ctx context.Context, chain identity.ID, out io.Writer) error {
	from, err := p.store.Checkpoint(ctx, chain)
	if err != nil && !errors.Is(err, identity.ErrNotFound) {
		return err
	}
	from.Chain = chain
	to := from
	var found broken
	w := newWalker(found.report(), chain, nil)
	if from.Seq > 0 {
		w.at = from.Head
	}
	var single []Record // behind the last seal
	write := func(records ...Record) error {
		for _, r := range records {
			line, err := json.Marshal(r)
			if err != nil {
				return err
			}
			if _, err := out.Write(append(line, '\n')); err != nil {
				return err
			}
			p.add(r, len(line)+1)
			to.Seq, to.Hash = *r.Seq, r.Hash
		}
		return nil
	}
	sealed := false
	for more := true; more; {
		rows, err := p.store.Settled(ctx, chain, w.at.Seq, pageSize)
		if err != nil {
			return err
		}
		more = len(rows) > 0
		for _, r := range rows {
			if !r.At.Before(p.before) || p.archive.Events+int64(len(single)) >= archiveEvents {
				more = false
				break
			}
			w.step(Link{Record: r.Record}.link())
			if err := found.err(); err != nil {
				return err
			}
			if r.Place == nil && sealed {
				single = append(single, r.Record)
				continue
			}
			if r.Place != nil {
				sealed, to.Place = true, r.Place
			}
			if err := write(append(single, r.Record)...); err != nil {
				return err
			}
			single = nil
		}
	}
	if to.Seq > from.Seq {
		p.from[chain] = from
		p.to = append(p.to, to)
	}
	return nil
}

func (p *part) add(r Record, size int) {
	a := &p.archive
	if a.Events == 0 || r.At.Before(a.Oldest) {
		a.Oldest = r.At
	}
	if r.At.After(a.Newest) {
		a.Newest = r.At
	}
	a.Events++
	a.Bytes += int64(size)
}

// check reads the file as anybody would who verifies it, and returns its digest.
func (p *part) check(name string) ([]byte, error) {
	f, err := os.Open(name) //nolint:gosec // it was just made
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	var found broken
	report := found.report()
	report.From = map[identity.ID]Head{}
	for chain, c := range p.from {
		if c.Seq > 0 {
			report.From[chain] = c.Head
		}
	}
	ends := map[identity.ID]Head{}
	report.Whole = func(h Head) { ends[h.Chain] = h }
	h := sha256.New()
	events, err := VerifyExport(io.TeeReader(f, h), report)
	if err = errors.Join(err, found.err()); err != nil {
		return nil, err
	}
	if int64(events) != p.archive.Events {
		return nil, fmt.Errorf("it has %d events of %d", events, p.archive.Events)
	}
	for i := range p.to {
		if end := ends[p.to[i].Chain]; end.Seq != p.to[i].Seq || !bytes.Equal(end.Hash, p.to[i].Hash) {
			return nil, fmt.Errorf("%s ends at event %d instead of %d", Name(p.to[i].Chain), end.Seq, p.to[i].Seq)
		}
		p.to[i].Archive = p.archive.Number
	}
	return h.Sum(nil), nil
}
