package importer

import (
	"context"
	"encoding/csv"
	"io"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// mapPage is how many lines of a map are read at once.
const mapPage = 1000

// WriteMap writes a CSV file with the old and the new id of every user that ever came
// from a source. A user who was merged since has the survivor's; one who was erased is
// left out.
func WriteMap(ctx context.Context, store Store, origin string, to io.Writer) error {
	w := csv.NewWriter(to)
	if err := w.Write([]string{"old_id", "new_id"}); err != nil {
		return err
	}
	after := ""
	for {
		page, err := store.ImportedAfter(ctx, origin, after, mapPage)
		if err != nil || len(page) == 0 {
			w.Flush()
			if err == nil {
				err = w.Error()
			}
			return err
		}
		var users []identity.ID
		for _, i := range page {
			users = append(users, i.UserID)
		}
		now, err := store.Survivors(ctx, users)
		if err != nil {
			return err
		}
		for _, i := range page {
			if strings.HasPrefix(i.SourceID, identity.ErasedPrefix) {
				continue
			}
			if err := w.Write([]string{i.SourceID, now[i.UserID].ID.String()}); err != nil {
				return err
			}
		}
		after = page[len(page)-1].SourceID
	}
}
