package audit

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/latchkey/latchkey/identity"
)

// maxLine bounds a line of an export: many times what an event can hold.
const maxLine = 1 << 20

// VerifyExport walks an export without a database. It must not be filtered by
// anything but the team: what a filter left out is missing. That its end is
// missing, it can tell only by a hash that is expected. A chain of which
// report.From has a head must go on behind that.
func VerifyExport(r io.Reader, report Report) (events int, err error) {
	f := NewFiles(report)
	events, err = f.Read(r)
	f.End()
	return events, err
}

// Files walks several exports as if they were one, such as the files of an archive and
// an export of what followed them: a chain that a file ends may go on in a later one.
type Files struct {
	report  Report
	walkers map[identity.ID]*walker // one entry for each chain
	order   []identity.ID
}

// NewFiles returns a walk that has not begun.
func NewFiles(report Report) *Files {
	return &Files{report: report, walkers: map[identity.ID]*walker{}}
}

// Read walks the next file, and returns how many events it has.
func (f *Files) Read(r io.Reader) (events int, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	seen := map[identity.ID]bool{}
	var w *walker
	for lines.Scan() {
		l, err := readLine(lines.Bytes())
		if err != nil {
			return events, fmt.Errorf("line %d: %w", events+1, err)
		}
		if w == nil || l.chain != w.at.Chain {
			w = f.walker(l.chain)
			if seen[l.chain] {
				w.broken(l.seq, "the chain goes on here, behind another")
			}
			seen[l.chain] = true
		}
		w.step(l)
		events++
	}
	return events, lines.Err()
}

func (f *Files) walker(chain identity.ID) *walker {
	w := f.walkers[chain]
	if w == nil {
		w = newWalker(f.report, chain, nil)
		w.resume(f.report.From[chain])
		f.walkers[chain] = w
		f.order = append(f.order, chain)
	}
	return w
}

// End reports the chains.
func (f *Files) End() {
	for _, chain := range f.order {
		f.report.Whole(f.walkers[chain].at)
	}
}

// ReadExport gives the events of an export to read, in its order.
func ReadExport(r io.Reader, read func(Record) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		record, err := parseLine(lines.Bytes())
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if err := read(record); err != nil {
			return err
		}
	}
	return lines.Err()
}

func parseLine(raw []byte) (Record, error) {
	var l line
	if err := json.Unmarshal(raw, &l); err != nil {
		return Record{}, fmt.Errorf("this is not an event: %w", err)
	}
	r := Record{Seq: l.Seq, Event: identity.Event{
		ID: l.ID, At: l.At, Action: l.Action, ActorID: l.ActorID, UserID: l.UserID, TeamID: l.TeamID, SessionID: l.SessionID, IP: l.IP, UserAgent: l.UserAgent,
	}}
	for _, h := range []struct {
		text *string
		to   *[]byte
	}{{l.PrevHash, &r.PrevHash}, {l.Hash, &r.Hash}} {
		if h.text == nil {
			continue
		}
		var err error
		if *h.to, err = hex.DecodeString(*h.text); err != nil {
			return Record{}, fmt.Errorf("this is not an event: %w", err)
		}
	}
	return r, r.Data.Scan([]byte(l.Data))
}

// readLine reads a line as any verifier would that knows docs/audit.md only.
func readLine(raw []byte) (link, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return link{}, fmt.Errorf("this is not an event: %w", err)
	}
	var known line
	if err := json.Unmarshal(raw, &known); err != nil {
		return link{}, fmt.Errorf("this is not an event: %w", err)
	}
	if known.Version != Version {
		return link{}, fmt.Errorf("format %d is not supported", known.Version)
	}
	if known.Seq == nil || known.PrevHash == nil || known.Hash == nil {
		return link{}, errors.New("this event is not chained: it is not from an export")
	}
	delete(fields, "hash")
	without, err := json.Marshal(fields)
	if err != nil {
		return link{}, err
	}
	l := link{chain: Deployment, id: known.ID, seq: *known.Seq}
	if known.Action == identity.ActionAuditRewritten {
		var data map[string]any
		if err := json.Unmarshal(known.Data, &data); err != nil {
			return link{}, fmt.Errorf("data: %w", err)
		}
		l.rewritten = rewrittenOf(known.Action, data)
	}
	if known.TeamID != nil {
		l.chain = *known.TeamID
	}
	l.prevHash, err = hex.DecodeString(*known.PrevHash)
	if err != nil {
		return link{}, fmt.Errorf("prev_hash: %w", err)
	}
	l.hash, err = hex.DecodeString(*known.Hash)
	if err != nil {
		return link{}, fmt.Errorf("hash: %w", err)
	}
	l.sum, err = sum(without)
	return l, err
}
