package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/latchkey/latchkey/identity"
)

// Break is a place where a chain is not what it was.
type Break struct {
	Chain identity.ID
	Seq   int64 // of the event; 0 for the chain as a whole
	What  string
}

func (b Break) String() string {
	if b.Seq == 0 {
		return fmt.Sprintf("%s: %s", Name(b.Chain), b.What)
	}
	return fmt.Sprintf("%s: event %d: %s", Name(b.Chain), b.Seq, b.What)
}

// Name returns the chain's name for people.
func Name(chain identity.ID) string {
	if chain == Deployment {
		return "the deployment"
	}
	return "team " + chain.String()
}

// Report hears of a verification while it goes on, so that it takes the same
// memory for any number of events.
type Report struct {
	Broken func(Break) // each place that is broken
	Whole  func(Head)  // each chain when it has been walked, with its last event
	// Expect are hashes that were a head once, or stood in an export. Those that
	// were found are taken out.
	Expect map[string]bool
	// From are heads of an earlier verification that found its chains whole. A chain
	// that has one is walked from there; what came before is not read again.
	From map[identity.ID]Head
	// Archived is called for each chain that goes on behind an archive, before it is
	// walked. It is optional.
	Archived func(Checkpoint)
}

// link is what of an event is verified.
type link struct {
	chain, id           identity.ID
	seq                 int64 // 0 for one that its seal does not name
	prevHash, hash, sum []byte
	unreadable          error
	rewritten           *rewritten // of the event that ends a rewrite
}

// walker goes along one chain.
type walker struct {
	Report
	at   Head
	head *Head // as it was before the walk; nil if not known
	// Of the database.
	joint     Rewrite
	rewritten map[identity.ID]rewritten // events that the walk came by
}

func newWalker(r Report, chain identity.ID, head *Head) *walker {
	return &walker{Report: r, at: Head{Chain: chain, Hash: Genesis()}, head: head, joint: Rewrite{Done: true}, rewritten: map[identity.ID]rewritten{}}
}

func (w *walker) broken(seq int64, format string, args ...any) {
	w.Broken(Break{Chain: w.at.Chain, Seq: seq, What: fmt.Sprintf(format, args...)})
}

// step takes the next event. After a break it continues from what is there, so
// that a change is reported once and not for every event that follows.
func (w *walker) step(l link) {
	if l.seq == 0 {
		w.broken(0, "event %s was put behind event %d: its seal does not name it", l.id, w.at.Seq)
		return
	}
	want := w.at.Seq + 1
	switch {
	case l.seq > want+1:
		w.broken(l.seq, "events %d to %d before it are missing", want, l.seq-1)
	case l.seq > want:
		w.broken(l.seq, "event %d before it is missing", want)
	case l.seq < want:
		w.broken(l.seq, "it comes after event %d", w.at.Seq)
	case !bytes.Equal(l.prevHash, w.at.Hash) && !w.joins(l):
		w.broken(l.seq, "it does not follow the event before it: one of them was put here or changed")
	}
	if l.unreadable != nil {
		w.broken(l.seq, "it was changed: it cannot be read: %v", l.unreadable)
	} else if !bytes.Equal(l.sum, l.hash) {
		w.broken(l.seq, "it was changed: its hash is not that of what it says")
	}
	if w.head != nil && w.head.Seq == l.seq && !w.heads(*w.head, l.seq, l.hash) {
		w.broken(l.seq, "it is not the event that the chain's head names")
	}
	delete(w.Expect, hex.EncodeToString(l.hash))
	if l.rewritten != nil {
		w.rewritten[l.id] = *l.rewritten
		delete(w.Expect, l.rewritten.former)
	}
	w.at.Seq, w.at.Hash = l.seq, l.hash
}

const pageSize = 1000

// maxHeadless bounds how many chains without a head are named.
const maxHeadless = 100

// Verify walks one chain, or all for nil, and returns how many events it walked.
// It sees what is committed while it walks, and reads no further ahead than a
// page.
func (s *Service) Verify(ctx context.Context, only *identity.ID, r Report) (events int, err error) {
	if only != nil {
		return s.verifyChain(ctx, *only, r)
	}
	headless, err := s.store.Headless(ctx, maxHeadless)
	if err != nil {
		return 0, err
	}
	for _, chain := range headless {
		r.Broken(Break{Chain: chain, What: "the chain has no head: it was removed, or all of the chain"})
	}
	var after *identity.ID
	for {
		heads, err := s.store.Heads(ctx, after, pageSize)
		if err != nil || len(heads) == 0 {
			return events, err
		}
		for _, h := range heads {
			n, err := s.verifyChain(ctx, h.Chain, r)
			if events += n; err != nil {
				return events, err
			}
			after = &h.Chain
		}
	}
}

// walkChain reads the head before the events and again behind the last: events
// come with their head, so at any time a sound chain reaches at least as far as
// a head that was read before it, and not beyond one that is read after. While one
// page is verified, the next is read.
func (s *Service) walkChain(ctx context.Context, w *walker) (events int, err error) {
	r, chain := w.Report, w.at.Chain
	head, err := s.head(ctx, chain)
	if err != nil {
		return 0, err
	}
	w.head = &head
	archived, err := s.checkpoint(ctx, chain)
	if err != nil {
		return 0, err
	}
	if archived.Seq > 0 {
		w.resume(archived.Head)
		if r.Archived != nil {
			r.Archived(archived)
		}
	}
	if from, ok := r.From[chain]; ok && from.Seq > archived.Seq {
		// The event itself is read again, so that what follows it follows what was there.
		w.at = Head{Chain: chain, Seq: from.Seq - 1}
		if w.at.Hash, err = s.before(ctx, from); err != nil {
			return 0, err
		}
		if w.at.Hash == nil {
			w.broken(from.Seq, "it is not the event that was verified before, or is missing")
			w.at = Head{Chain: chain, Hash: Genesis()}
			w.resume(archived.Head)
		}
	} else if ok && from.Seq == archived.Seq && !bytes.Equal(from.Hash, archived.Hash) {
		w.broken(from.Seq, "it is not the event that was verified before")
	}
	type page struct {
		links []Link
		err   error
	}
	pages := make(chan page, 1)
	read := func(after int64) {
		go func() {
			links, err := s.store.Links(ctx, chain, after, pageSize)
			pages <- page{links, err}
		}()
	}
	at := w.at.Seq
	for read(at); ; {
		p := <-pages
		if p.err != nil {
			return events, p.err
		}
		last := lastSeq(p.links)
		if last > 0 {
			at = last
			read(at)
		}
		if p.links, err = s.unarchived(ctx, w, p.links); err != nil {
			return events, err
		}
		for _, l := range sums(p.links) {
			w.step(l)
		}
		events += len(p.links)
		if last > 0 {
			continue
		}
		before := head
		if head, err = s.head(ctx, chain); err != nil {
			return events, err
		}
		if head.Seq > before.Seq && head.Seq > w.at.Seq {
			read(at) // it has grown meanwhile
			continue
		}
		switch {
		case head.Seq == 0 && w.at.Seq == 0:
			w.broken(0, "nothing is chained here")
		case head.Seq > w.at.Seq:
			w.broken(0, "it ends at event %d, but event %d was the last: the end is missing", w.at.Seq, head.Seq)
		case head.Seq < w.at.Seq:
			w.broken(0, "it goes on to event %d behind its head, event %d", w.at.Seq, head.Seq)
		case !w.heads(head, w.at.Seq, w.at.Hash):
			w.broken(w.at.Seq, "it is not the event that the chain's head names")
		}
		r.Whole(w.at)
		return events, nil
	}
}

// resume goes on behind what was archived.
func (w *walker) resume(archived Head) {
	if archived.Seq > 0 {
		w.at = archived
		delete(w.Expect, hex.EncodeToString(archived.Hash))
	}
}

// unarchived are the links of a page that follow where the walk is: more may have been
// archived since it came here.
func (s *Service) unarchived(ctx context.Context, w *walker, links []Link) ([]Link, error) {
	if len(links) > 0 && (links[0].Seq == nil || *links[0].Seq <= w.at.Seq+1) {
		return links, nil
	}
	archived, err := s.checkpoint(ctx, w.at.Chain)
	if err != nil || archived.Seq <= w.at.Seq {
		return links, err
	}
	w.resume(archived.Head)
	return slices.DeleteFunc(links, func(l Link) bool { return l.Seq != nil && *l.Seq <= archived.Seq }), nil
}

// checkpoint is what of a chain was archived; the zero one for nothing.
func (s *Service) checkpoint(ctx context.Context, chain identity.ID) (Checkpoint, error) {
	c, err := s.store.Checkpoint(ctx, chain)
	if errors.Is(err, identity.ErrNotFound) {
		return Checkpoint{}, nil
	}
	return c, err
}

// lastSeq is the highest seq of a page, 0 for none.
func lastSeq(links []Link) (last int64) {
	for _, l := range links {
		if l.Seq != nil {
			last = max(last, *l.Seq)
		}
	}
	return last
}

// sums computes what the events' hashes have to be, on all cores.
func sums(links []Link) []link {
	out := make([]link, len(links))
	workers := min(runtime.GOMAXPROCS(0), 1+len(links)/64)
	var wg sync.WaitGroup
	for n := range workers {
		wg.Go(func() {
			for i := n * len(links) / workers; i < (n+1)*len(links)/workers; i++ {
				out[i] = links[i].link()
			}
		})
	}
	wg.Wait()
	return out
}

func (l Link) link() link {
	out := link{
		chain: Chain(l.Event), id: l.ID, prevHash: l.PrevHash, hash: l.Hash, unreadable: l.Unreadable, rewritten: rewrittenOf(l.Action, l.Data),
	}
	if l.Seq != nil {
		out.seq = *l.Seq
		if out.unreadable == nil {
			out.sum, out.unreadable = l.Sum()
		}
	}
	return out
}

// before is the hash that an event names as that of the one before it, nil if the
// event is not what it was.
func (s *Service) before(ctx context.Context, h Head) ([]byte, error) {
	links, err := s.store.Links(ctx, h.Chain, h.Seq-1, 1)
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		if l.Seq != nil && *l.Seq == h.Seq && bytes.Equal(l.Hash, h.Hash) {
			return l.PrevHash, nil
		}
	}
	return nil, nil
}

// head is the chain's head; of a chain without one, that of an empty one.
func (s *Service) head(ctx context.Context, chain identity.ID) (Head, error) {
	head, err := s.store.Head(ctx, chain)
	if errors.Is(err, identity.ErrNotFound) {
		return Head{Chain: chain}, nil
	}
	return head, err
}
