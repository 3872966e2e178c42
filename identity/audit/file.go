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
// missing, it can tell only by a hash that is expected.
func VerifyExport(r io.Reader, report Report) (events int, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	seen := map[identity.ID]bool{} // one entry for each chain
	var w *walker
	for lines.Scan() {
		l, err := readLine(lines.Bytes())
		if err != nil {
			return events, fmt.Errorf("line %d: %w", events+1, err)
		}
		if w == nil || l.chain != w.at.Chain {
			if w != nil {
				report.Whole(w.at)
			}
			w = newWalker(report, l.chain, nil)
			if seen[l.chain] {
				w.broken(l.seq, "the chain goes on here, behind another")
			}
			seen[l.chain] = true
		}
		w.step(l)
		events++
	}
	if w != nil {
		report.Whole(w.at)
	}
	return events, lines.Err()
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
	l := link{chain: Deployment, seq: *known.Seq}
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
