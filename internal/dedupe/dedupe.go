// Package dedupe goes through the users who may be one person, and merges those
// of whom a verified address says that they are.
package dedupe

import (
	"context"
	"fmt"
	"io"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// Result counts what became of the candidates.
type Result struct {
	Merged int // or would be
	Left   int // for a person to decide
	Failed int
}

// String tells the result in one line.
func (r Result) String() string {
	return fmt.Sprintf("%d to merge or merged, %d left to decide by hand, %d failed", r.Merged, r.Left, r.Failed)
}

// pageSize is how many candidates are read at a time.
const pageSize = 100

// Run previews every candidate on out and with merge carries the certain ones
// out, each in its own transaction. One that fails is reported and the rest go
// on; only reading the candidates, or writing to out, ends it.
func Run(ctx context.Context, service *linking.Service, merge bool, out io.Writer) (Result, error) {
	var r Result
	p := identity.Page{Limit: pageSize}
	for {
		page, next, err := service.Candidates(ctx, p)
		if err != nil {
			return r, err
		}
		for _, c := range page {
			// An earlier merge may have made others of these two since they were read.
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
	preview, err := service.AdminMerge(ctx, nil, c.Users[0].ID, c.Users[1].ID, linking.Wishes{}, true)
	outcome := "would be merged"
	switch {
	case err != nil:
	case !c.Kind.Certain():
		outcome = "left: it is not certain that they are one person"
	case preview.Source.Operator || preview.Survivor.Operator:
		outcome = "left: one of them is an operator; look at them and run `latchkey merge`"
	case merge:
		outcome = "merged"
		_, err = service.AdminMerge(ctx, nil, c.Users[0].ID, c.Users[1].ID, linking.Wishes{Fingerprint: preview.Fingerprint}, false)
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
