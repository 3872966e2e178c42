// Package dedupe lists the pairs of users that may be one person, and merges those
// that a verified address proves to be.
package dedupe

import (
	"context"
	"fmt"
	"io"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// Result counts the outcomes of the candidates.
type Result struct {
	Merged int // or to be merged
	Left   int // to be decided by a person
	Failed int
}

// String returns the result in one line.
func (r Result) String() string {
	return fmt.Sprintf("%d to merge or merged, %d left to decide manually, %d failed", r.Merged, r.Left, r.Failed)
}

// pageSize is the number of candidates that are read at once.
const pageSize = 100

// Run previews every candidate on out. With merge it merges the certain ones, each
// in its own transaction. A merge that fails is reported, and the rest go on. Only
// an error of reading candidates, or of writing to out, ends it.
func Run(ctx context.Context, service *linking.Service, merge bool, out io.Writer) (Result, error) {
	var r Result
	p := identity.Page{Limit: pageSize}
	for {
		page, next, err := service.Candidates(ctx, p)
		if err != nil {
			return r, err
		}
		for _, c := range page {
			// An earlier merge may have changed the two users since they were read.
			now, err := service.Candidate(ctx, c.Duplicate)
			if err != nil {
				return r, err
			}
			if now == nil {
				continue
			}
			if err := r.one(ctx, service, *now, merge, out); err != nil {
				return r, err
			}
		}
		if next == nil {
			return r, nil
		}
		p.After = next
	}
}

func (r *Result) one(ctx context.Context, service *linking.Service, c linking.Candidate, merge bool, out io.Writer) error {
	preview, err := service.AdminMerge(ctx, nil, c.Users[0].ID, c.Users[1].ID, linking.MergeChoices{}, true)
	outcome := "would be merged"
	switch {
	case err != nil:
	case !c.Kind.Certain():
		outcome = "left: it is not certain that they are one person"
	case preview.Source.Operator || preview.Survivor.Operator:
		outcome = "left: one of them is an operator; look at them and run `latchkey merge`"
	case merge:
		outcome = "merged"
		_, err = service.AdminMerge(ctx, nil, c.Users[0].ID, c.Users[1].ID, linking.MergeChoices{Fingerprint: preview.Fingerprint}, false)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		r.Failed++
		outcome = "failed: " + err.Error()
	case outcome == "merged", outcome == "would be merged":
		r.Merged++
	default:
		r.Left++
	}
	_, err = fmt.Fprintf(out, "%s: %s\n    %s (%q) into %s (%q): %d identities, %d addresses, %d teams, %d conflicts\n    %s\n",
		c.Kind, c.Reason,
		c.Users[1].ID, c.Users[1].DisplayName, c.Users[0].ID, c.Users[0].DisplayName,
		len(preview.Plan.Identities), len(preview.Plan.Emails), len(preview.Plan.Memberships), len(preview.Conflicts), outcome)
	return err
}
