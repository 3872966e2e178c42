package importer

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/latchkey/latchkey/linking"
)

// maxExamples bounds how many source ids are kept for a reason.
const maxExamples = 5

// Report is what an import did.
type Report struct {
	Read       int // people in the source
	Created    int // users
	Attached   int // people who were here by one of their identities
	Already    int // people whom an earlier run brought
	Identities int
	Addresses  int
	Pairs      map[linking.DuplicateKind]int
	Skipped    map[string]Skipped // by reason
}

// Skipped is what was left out for one reason.
type Skipped struct {
	Count    int
	Examples []string // ids of the source
}

// NewReport returns a report of nothing.
func NewReport() *Report {
	return &Report{Pairs: map[linking.DuplicateKind]int{}, Skipped: map[string]Skipped{}}
}

func (r *Report) skip(reason, id string) {
	s := r.Skipped[reason]
	s.Count++
	if len(s.Examples) < maxExamples && !slices.Contains(s.Examples, id) {
		s.Examples = append(s.Examples, id)
	}
	r.Skipped[reason] = s
}

func (r *Report) add(o *Report) {
	r.Read += o.Read
	r.Created += o.Created
	r.Attached += o.Attached
	r.Already += o.Already
	r.Identities += o.Identities
	r.Addresses += o.Addresses
	for kind, n := range o.Pairs {
		r.Pairs[kind] += n
	}
	for reason, s := range o.Skipped {
		mine := r.Skipped[reason]
		mine.Count += s.Count
		mine.Examples = append(mine.Examples, s.Examples[:min(len(s.Examples), maxExamples-len(mine.Examples))]...)
		r.Skipped[reason] = mine
	}
}

// Write prints the report. Ids come from elsewhere, so they are quoted.
func (r *Report) Write(w io.Writer) error {
	lines := []string{
		fmt.Sprintf("read            %d", r.Read),
		fmt.Sprintf("users created   %d", r.Created),
		fmt.Sprintf("already here    %d by an identity, %d by an earlier import", r.Attached, r.Already),
		fmt.Sprintf("identities      %d", r.Identities),
		fmt.Sprintf("addresses       %d", r.Addresses),
		fmt.Sprintf("duplicates      %d by address, %d by spelling, %d hints", r.Pairs[linking.DuplicateAddress],
			r.Pairs[linking.DuplicateSpelling], r.Pairs[linking.DuplicateHint]),
	}
	for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
		s := r.Skipped[reason]
		lines = append(lines, fmt.Sprintf("left out        %d: %s, such as %q", s.Count, reason, s.Examples))
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}
