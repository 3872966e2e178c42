package storage

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/uptrace/bun"

	"github.com/latchkey/latchkey/identity"
)

const mailsAtOnce = 500

// besideAddress reports whether a character ends an address in a text. Part of a longer
// address is another's.
func besideAddress(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()<>,;:"'`, r) }

// eraseMail deletes waiting mail to users, and mail that names one of their addresses. What
// was written in or after the erasure stays: it says that their account is deleted. It
// is called before their addresses are deleted.
func (db *DB) eraseMail(ctx context.Context, users []identity.ID, at time.Time) error {
	db.audit.mu.Lock()
	sealer := db.audit.tasks
	db.audit.mu.Unlock()
	if sealer == nil { // a command without LATCHKEY_SECRET, which erases no user
		return nil
	}
	var addresses []string
	ids := bun.List(users)
	err := db.reader(ctx).NewRaw(`SELECT e.address FROM emails AS e WHERE e.user_id IN (?)
		UNION SELECT v.address FROM vouchers AS v WHERE v.user_id IN (?)
		UNION SELECT i.wallet_address FROM identities AS i WHERE i.user_id IN (?) AND i.wallet_address IS NOT NULL
		UNION SELECT `+solanaAddress+` FROM identities AS i WHERE i.user_id IN (?) AND i.provider = 'solana'`, ids, ids, ids, ids).Scan(ctx, &addresses)
	if err != nil || len(addresses) == 0 {
		return db.engine.normalise(err)
	}
	about := func(m identity.Mail) bool {
		return slices.ContainsFunc(addresses, func(a string) bool {
			for name, text := range m.Data {
				// Where it came from has no address but what a browser calls itself.
				if name != "from" && slices.ContainsFunc(strings.FieldsFunc(text, besideAddress), func(word string) bool { return strings.EqualFold(word, a) }) {
					return true
				}
			}
			return m.To == a
		})
	}
	var gone []identity.ID
	for after := (identity.ID{}); ; {
		tasks, err := db.Tasks(ctx, after, mailsAtOnce)
		if err != nil {
			return err
		}
		for _, t := range tasks {
			after = t.ID
			if t.Kind != identity.TaskMail || !t.CreatedAt.Before(at) {
				continue
			}
			var m identity.Mail
			if err := sealer.Open(t, &m); err == nil && about(m) { // what does not open is never sent
				gone = append(gone, t.ID)
			}
		}
		if len(tasks) < mailsAtOnce {
			break
		}
	}
	for some := range slices.Chunk(gone, mailsAtOnce) {
		if err := db.execDeferred(ctx, db.writer(ctx).NewDelete().Model((*taskRow)(nil)).Where("o.id IN (?)", bun.List(some))); err != nil {
			return err
		}
	}
	return nil
}
