package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/latchkey/latchkey/identity"
)

// Rewrite is how far a chain has got new hashes, because personal values of its events
// were put behind keys.
type Rewrite struct {
	EventID          identity.ID // of the event that ends it, see identity.ActionAuditRewritten
	Seq              int64       // up to which events have new hashes
	FormerHash, Hash []byte      // of the event there
	Done             bool
}

// Former are hashes that events had before a rewrite, 32 bytes each.
type Former struct {
	EventID identity.ID // of the rewrite
	Seq     int64       // of the first
	Hashes  []byte
}

// errRewriting is that a chain changed while it was verified.
type errRewriting struct{}

func (errRewriting) Error() string {
	return "personal values of old events are being put behind keys; verify again when that is done, see latchkey doctor"
}

// rewrite is that of a chain, the zero one for none.
func (s *Service) rewrite(ctx context.Context, chain identity.ID) (Rewrite, error) {
	r, err := s.store.Rewrite(ctx, chain)
	if errors.Is(err, identity.ErrNotFound) {
		return Rewrite{Done: true}, nil
	}
	return r, err
}

// joins reports whether an event follows one that was rewritten, and names its former
// hash: so far a rewrite has come that is under way.
func (w *walker) joins(l link) bool {
	j := w.joint
	return !j.Done && w.at.Seq == j.Seq && bytes.Equal(w.at.Hash, j.Hash) && bytes.Equal(l.prevHash, j.FormerHash)
}

// heads reports whether the chain's head names an event, by its former hash too if a
// rewrite that is under way has come to it.
func (w *walker) heads(head Head, seq int64, hash []byte) bool {
	if head.Seq != seq {
		return false
	}
	j := w.joint
	return bytes.Equal(head.Hash, hash) || !j.Done && seq == j.Seq && bytes.Equal(hash, j.Hash) && bytes.Equal(head.Hash, j.FormerHash)
}

// rewritten is what the event says that ends a rewrite.
type rewritten struct{ former, digest string }

func rewrittenOf(action identity.Action, data map[string]any) *rewritten {
	if action != identity.ActionAuditRewritten {
		return nil
	}
	var r rewritten
	r.former, _ = data["former_hash"].(string)
	r.digest, _ = data["digest"].(string)
	return &r
}

const (
	verifyAttempts = 3
	maxHeld        = 1000 // breaks
)

// verifyChain verifies a chain. If it was rewritten meanwhile, it does so again.
func (s *Service) verifyChain(ctx context.Context, chain identity.ID, r Report) (events int, err error) {
	for attempt := 1; ; attempt++ {
		before, err := s.rewrite(ctx, chain)
		if err != nil {
			return 0, err
		}
		var held []Break
		var ends []Head
		var archived []Checkpoint
		holding := r
		holding.Broken = func(b Break) {
			if held = append(held, b); len(held) > maxHeld {
				r.Broken(b)
			}
		}
		holding.Whole = func(h Head) { ends = append(ends, h) }
		holding.Archived = func(c Checkpoint) { archived = append(archived, c) }
		w := newWalker(holding, chain, nil)
		w.joint = before
		if events, err = s.walkChain(ctx, w); err == nil {
			err = s.formerHashes(ctx, w)
		}
		if err != nil {
			return events, err
		}
		if len(held) > 0 && len(held) <= maxHeld {
			after, err := s.rewrite(ctx, chain)
			if err != nil {
				return events, err
			}
			if after.EventID != before.EventID || after.Seq != before.Seq || after.Done != before.Done {
				if attempt == verifyAttempts {
					return events, errRewriting{}
				}
				continue
			}
		}
		if r.Archived != nil {
			for _, c := range archived {
				r.Archived(c)
			}
		}
		for _, b := range held[:min(len(held), maxHeld)] {
			r.Broken(b)
		}
		for _, h := range ends {
			r.Whole(h)
		}
		return events, nil
	}
}

// formerHashes finds expected hashes among those that the chain had before, which have
// to be those that the events name.
func (s *Service) formerHashes(ctx context.Context, w *walker) error {
	if len(w.rewritten) == 0 && len(w.Expect) == 0 {
		return nil
	}
	digests := map[identity.ID][]byte{}
	for at := (Former{}); ; {
		rows, err := s.store.FormerHashes(ctx, w.at.Chain, at, pageSize)
		if err != nil {
			return err
		}
		for _, f := range rows {
			digest := digests[f.EventID]
			if digest == nil {
				digest = Genesis()
			}
			sum := sha256.Sum256(append(bytes.Clone(digest), f.Hashes...))
			digests[f.EventID] = sum[:]
			for i := 0; i+sha256.Size <= len(f.Hashes); i += sha256.Size {
				delete(w.Expect, hex.EncodeToString(f.Hashes[i:i+sha256.Size]))
			}
			at = f
		}
		if len(rows) == 0 {
			break
		}
	}
	for id, r := range w.rewritten {
		if hex.EncodeToString(digests[id]) != r.digest {
			w.broken(0, "the former hashes are not those that event %s names", id)
		}
	}
	return nil
}
