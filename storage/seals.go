package storage

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/audit"
)

// Events are sealed in the order of their places: by epoch, by the number of the
// transaction that wrote them, by id. A batch ends before the first transaction
// that has not ended, so nothing comes in front of what is sealed. A seal is a
// row with the hashes of the events of one chain in one batch. It covers the
// chain's places behind the seal before it, up to its own.

// place is where an event is in that order.
type place = audit.Place

// beforeAll is before every place, also before one that somebody made up.
var beforeAll = place{Epoch: math.MinInt32, Position: math.MinInt64}

// epochOf is the epoch of an event a. SQLite numbers events instead, for good.
func (e engine) epochOf() string {
	if e == sqlite {
		return "0"
	}
	return "a.epoch"
}

// inOrder are the columns of an event a that order it.
func (e engine) inOrder() string {
	if e == sqlite {
		return "a.position"
	}
	return "a.epoch, a.position, a.id"
}

// at compares the place of an event a with one.
func (e engine) at(operator string, p place) (condition string, args []any) {
	if e == sqlite {
		return "a.position " + operator + " ?", []any{p.Position}
	}
	return "(a.epoch, a.position, a.id) " + operator + " (?, ?, ?)", []any{p.Epoch, p.Position, p.EventID}
}

// behindProgress is the condition that the place of an event, a, is behind where the
// last batch ended, pr.
func (e engine) behindProgress() string {
	if e == sqlite {
		return "a.position > pr.position"
	}
	return "(a.epoch, a.position, a.id) > (pr.epoch, pr.position, pr.event_id)"
}

// ofChain keeps events that are sealed, or to be, of one chain.
func ofChain(q *bun.SelectQuery, chain identity.ID) *bun.SelectQuery {
	if q = q.Where("a.seq = 0"); chain == audit.Deployment {
		return q.Where("a.team_id IS NULL")
	}
	return q.Where("a.team_id = ?", chain)
}

type sealRow struct {
	bun.BaseModel `bun:"table:audit_seals,alias:sl"`
	Chain         identity.ID `bun:"type:uuid,pk"`
	Seq           int64       `bun:"type:bigint,pk"` // of its first event
	place                     // of its last
	PrevHash      []byte      `bun:"type:bytea"`
	Links         []byte      `bun:"type:bytea"`
}

const sealColumns = "chain, seq, epoch, position, event_id, prev_hash, links"

// A link of a seal is the end of the event's id, which is random, and the hash. A
// seal has no end twice.
const (
	tagSize  = 4
	linkSize = tagSize + 32
)

func tagOf(id identity.ID) []byte { return id[len(id)-tagSize:] }

func (s *sealRow) count() int64 { return int64(len(s.Links) / linkSize) }
func (s *sealRow) end() int64   { return s.Seq + s.count() } // the seq behind it

func (s *sealRow) slot(id identity.ID) int {
	for i := 0; i < len(s.Links); i += linkSize {
		if bytes.Equal(s.Links[i:i+tagSize], tagOf(id)) {
			return i / linkSize
		}
	}
	return -1
}

// name gives an event what the seal holds of it, if it does.
func (s *sealRow) name(p *placed) {
	i := s.slot(p.ID)
	if i < 0 {
		return
	}
	p.Seq, p.PrevHash = new(s.Seq+int64(i)), s.PrevHash
	if i > 0 {
		p.PrevHash = s.Links[i*linkSize-32 : i*linkSize]
	}
	p.Hash = s.Links[i*linkSize+tagSize : (i+1)*linkSize]
}

// attach gives sealed events their seq and hashes.
func (db *DB) attach(ctx context.Context, rows []placed) error {
	var wanted []string
	var args []any
	for _, r := range rows {
		if r.Seq != nil || r.Position == 0 {
			continue
		}
		if db.engine == sqlite {
			wanted = append(wanted, "(?, ?)")
			args = append(args, audit.Chain(r.Event), r.Position)
			continue
		}
		wanted = append(wanted, "(CAST(? AS uuid), CAST(? AS integer), CAST(? AS bigint), CAST(? AS uuid))")
		args = append(args, audit.Chain(r.Event), r.Epoch, r.Position, r.ID)
	}
	if len(wanted) == 0 {
		return nil
	}
	columns, where, order := "chain, epoch, position, id", "(f.epoch, f.position, f.event_id) >= (w.epoch, w.position, w.id)", "f.epoch, f.position, f.event_id"
	if db.engine == sqlite {
		columns, where, order = "chain, position", "f.position >= w.position", "f.position"
	}
	var seals []sealRow
	err := db.reader(ctx).NewRaw("WITH w ("+columns+") AS (VALUES "+strings.Join(wanted, ", ")+`)
		SELECT `+sealColumns+` FROM audit_seals WHERE (chain, seq) IN (
			SELECT w.chain, (SELECT f.seq FROM audit_seals AS f WHERE f.chain = w.chain AND `+where+` ORDER BY `+order+` LIMIT 1) FROM w)`, args...).
		Scan(ctx, &seals)
	if err != nil {
		return db.engine.normalise(err)
	}
	slices.SortFunc(seals, func(a, b sealRow) int { return db.engine.compare(a.place, b.place) })
	for i := range rows {
		if r := &rows[i]; r.Seq == nil {
			chain := audit.Chain(r.Event)
			for n := range seals {
				if seals[n].Chain == chain && db.engine.compare(r.place, seals[n].place) <= 0 {
					seals[n].name(r)
					break
				}
			}
		}
	}
	return nil
}

// compare orders places as at does.
func (e engine) compare(a, b place) int {
	if e == sqlite {
		return cmp.Compare(a.Position, b.Position)
	}
	return cmp.Or(cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Position, b.Position), bytes.Compare(a.EventID[:], b.EventID[:]))
}
