package importer

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/linking"
)

// maxExamples bounds how many rows a report names for one reason. Options.Each gets
// all of them.
const maxExamples = 20

// Entry is a row of the source that the report names.
type Entry struct {
	Skipped bool // it did not go in; else it went in without something
	Reason  string
	ID      string // of the user at the source
	Line    int
	Column  string
	Value   string // masked
}

// String returns where the row is, without the reason.
func (e Entry) String() string {
	out := fmt.Sprintf("%q", clip(e.ID))
	var at []string
	if e.Line > 0 {
		at = append(at, fmt.Sprintf("line %d", e.Line))
	}
	if e.Column != "" {
		at = append(at, "column "+clip(e.Column))
	}
	if e.Value != "" {
		at = append(at, fmt.Sprintf("%q", e.Value))
	}
	if e.ID == "" && len(at) > 0 {
		return strings.Join(at, ", ")
	}
	if len(at) > 0 {
		out += " (" + strings.Join(at, ", ") + ")"
	}
	return out
}

// Group is what a report says for one reason.
type Group struct {
	Count    int
	Examples []Entry
}

// Change is a kind of difference between the source and an earlier import of it.
type Change string

// The changes that Options.Update takes over.
const (
	ChangeIdentity   Change = "sign-in methods"
	ChangeAddress    Change = "addresses"
	ChangeBan        Change = "bans"
	ChangeMember     Change = "team members"
	ChangeInvitation Change = "invitations"
	// ChangeOver is for an operator to decide: the ban here may have another reason.
	ChangeOver Change = "bans that are over in the source"
)

// Report is what an import did.
type Report struct {
	Read       int // people in the source
	Created    int // users
	Suspended  int // of them: banned in the source
	Attached   int // people who were here by one of their identities
	Already    int // people whom an earlier run brought
	Deleted    int // people who are deleted in the source
	Identities int
	Addresses  int
	Teams      int // created
	Members    int
	Invited    int
	Pairs      map[linking.DuplicateKind]int
	Skipped    map[string]Group // rows that did not go in, by reason
	Notes      map[string]Group // rows that went in without something
	Changes    map[Change]int   // since an earlier import
	Updated    bool             // the changes were taken over
	Unverified int              // addresses that the source does not call verified, or contradicts itself about
	Trusted    int              // of them: counted by the operator's choice
	Choices    map[string]int   // how many each choice of trust would count

	entries []Entry
	pending []pending
}

// pending is a pair of which one was not here yet when it was found.
type pending struct {
	user   linking.Duplicate // FirstID only, and the reason
	source string            // the other's id in the source
}

// NewReport returns a report of nothing.
func NewReport() *Report {
	return &Report{
		Pairs: map[linking.DuplicateKind]int{}, Skipped: map[string]Group{}, Notes: map[string]Group{},
		Changes: map[Change]int{}, Choices: map[string]int{},
	}
}

// Left is how many rows did not go in.
func (r *Report) Left() int {
	n := 0
	for _, g := range r.Skipped {
		n += g.Count
	}
	return n
}

func (r *Report) enter(e Entry) {
	r.entries = append(r.entries, e)
	r.group(e)
}

func (r *Report) group(e Entry) {
	groups := r.Notes
	if e.Skipped {
		groups = r.Skipped
	}
	g := groups[e.Reason]
	g.Count++
	if len(g.Examples) < maxExamples {
		g.Examples = append(g.Examples, e)
	}
	groups[e.Reason] = g
}

func (r *Report) fault(f Fault) {
	r.enter(Entry{Skipped: f.Skipped, Reason: f.Reason, ID: f.ID, Line: f.Line, Column: f.Column, Value: mask(f.Value)})
}

// add adds the report of a batch, and returns its lines.
func (r *Report) add(o *Report) []Entry {
	r.Read += o.Read
	r.Created += o.Created
	r.Suspended += o.Suspended
	r.Attached += o.Attached
	r.Already += o.Already
	r.Deleted += o.Deleted
	r.Identities += o.Identities
	r.Addresses += o.Addresses
	r.Teams += o.Teams
	r.Members += o.Members
	r.Invited += o.Invited
	r.Unverified += o.Unverified
	r.Trusted += o.Trusted
	for kind, n := range o.Pairs {
		r.Pairs[kind] += n
	}
	for change, n := range o.Changes {
		r.Changes[change] += n
	}
	for choice, n := range o.Choices {
		r.Choices[choice] += n
	}
	for _, e := range o.entries {
		r.group(e)
	}
	r.pending = append(r.pending, o.pending...)
	return o.entries
}

// Write prints the report. What comes from elsewhere is quoted.
func (r *Report) Write(w io.Writer) error {
	lines := []string{
		fmt.Sprintf("read            %d", r.Read),
		fmt.Sprintf("users created   %d", r.Created) + note(r.Suspended, ", %d of them suspended: they are banned in the source"),
		fmt.Sprintf("already here    %d by an identity, %d by an earlier import", r.Attached, r.Already),
		fmt.Sprintf("identities      %d", r.Identities),
		fmt.Sprintf("addresses       %d", r.Addresses),
		fmt.Sprintf("duplicates      %d by address, %d by spelling, %d hints", r.Pairs[linking.DuplicateAddress],
			r.Pairs[linking.DuplicateSpelling], r.Pairs[linking.DuplicateHint]),
	}
	if r.Teams+r.Members+r.Invited > 0 {
		lines = append(lines, fmt.Sprintf("teams           %d created, %d members, %d open invitations", r.Teams, r.Members, r.Invited))
	}
	if r.Deleted > 0 {
		lines = append(lines, fmt.Sprintf("deleted         %d, left out: the source keeps only their row", r.Deleted))
	}
	lines = append(lines, r.trustLines()...)
	lines = append(lines, r.changeLines()...)
	lines = append(lines, groupLines("left out", r.Skipped)...)
	lines = append(lines, groupLines("note", r.Notes)...)
	for _, line := range lines {
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

func note(n int, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

// trustLines say what each choice would change, or has.
func (r *Report) trustLines() []string {
	if r.Unverified == 0 {
		return nil
	}
	lines := []string{fmt.Sprintf("not verified    %d addresses", r.Unverified) + note(r.Trusted, ", %d of them count by your choice of trust")}
	for _, choice := range slices.Sorted(maps.Keys(r.Choices)) {
		if n := r.Choices[choice]; n > 0 {
			lines = append(lines, fmt.Sprintf("                %d count with %s", n, choice))
		}
	}
	return lines
}

func (r *Report) changeLines() []string {
	var lines []string
	for _, c := range slices.Sorted(maps.Keys(r.Changes)) {
		switch n := r.Changes[c]; {
		case n == 0:
		case c == ChangeOver:
			lines = append(lines, fmt.Sprintf("changed         %d %s: restore the users if they were suspended for nothing else", n, c))
		case r.Updated:
			lines = append(lines, fmt.Sprintf("changed         %d %s since the last import, taken over", n, c))
		default:
			lines = append(lines, fmt.Sprintf("changed         %d %s since the last import: --update takes them over", n, c))
		}
	}
	return lines
}

func groupLines(title string, groups map[string]Group) []string {
	var lines []string
	for _, reason := range slices.Sorted(maps.Keys(groups)) {
		g := groups[reason]
		named := make([]string, len(g.Examples))
		for i, e := range g.Examples {
			named[i] = e.String()
		}
		line := fmt.Sprintf("%-15s %d: %s: %s", title, g.Count, reason, strings.Join(named, ", "))
		if more := g.Count - len(g.Examples); more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
		lines = append(lines, line)
	}
	return lines
}
