package api

import (
	"context"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// AdminListDuplicates lists users who may be one person, to operators.
func (s *Server) AdminListDuplicates(ctx context.Context, r contract.AdminListDuplicatesRequestObject) (contract.AdminListDuplicatesResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Linking.Candidates(ctx, p)
	if err != nil {
		return nil, err
	}
	var ids []identity.ID
	for _, c := range rows {
		ids = append(ids, c.Users[0].ID, c.Users[1].ID)
	}
	known, err := s.Users.Summaries(ctx, ids)
	data := each(rows, func(c linking.Candidate) contract.Duplicate {
		users := each(c.Users[:], func(u identity.User) contract.UserSummary { return summaryOf(u.ID, known[u.ID]) })
		return contract.Duplicate{Users: users, Reason: c.Reason, Kind: contract.DuplicateKind(c.Kind)}
	})
	return contract.AdminListDuplicates200JSONResponse{Data: data, NextCursor: nextCursor(next)}, err
}
