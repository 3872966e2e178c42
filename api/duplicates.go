package api

import (
	"context"

	"github.com/latchkey/latchkey/linking"
)

// AdminListDuplicates lists users who may be one person, to operators.
func (s *Server) AdminListDuplicates(ctx context.Context, r AdminListDuplicatesRequestObject) (AdminListDuplicatesResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Linking.Candidates(ctx, p)
	return AdminListDuplicates200JSONResponse{Data: each(rows, duplicateOf), NextCursor: nextCursor(next)}, err
}

func duplicateOf(c linking.Candidate) Duplicate {
	return Duplicate{Users: each(c.Users[:], summaryOf), Reason: c.Reason, Kind: DuplicateKind(c.Kind)}
}
