package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

const bareSessionRead = `SELECT s.id::text, s.methods, s.ip, s.user_agent,
	s.created_at, s.authenticated_at, s.last_seen_at, s.idle_expires_at, s.expires_at,
	t.id::text, t.team_id::text, t.created_at, m.role,
	s.kind, i.id::text, i.provider, i.wallet_address, i.wallet_chain_id, i.wallet_kind,
	u.id::text, u.display_name, u.avatar_url, u.primary_email, u.onboarded_at, u.metadata, u.created_at, u.status
FROM sessions s
JOIN users u ON u.id = s.user_id
LEFT JOIN identities i ON i.id = s.identity_id
LEFT JOIN team_sessions t ON t.id = s.team_session_id AND t.ended_at IS NULL
LEFT JOIN memberships m ON m.team_id = t.team_id AND m.user_id = s.user_id
WHERE s.token_hash = $1 AND s.ended_at IS NULL`

// rememberedPath gives the answer of sessionPath without asking the database.
const rememberedPath = "/remembered"

// remembered is the check without any check: what was answered before, written as
// JSON again.
func (b *bareServer) remembered(c *gin.Context) {
	token, err := c.Cookie("latchkey")
	if err != nil {
		refuse(c, "unauthenticated")
		return
	}
	if known, ok := b.known.Load(token); ok {
		c.JSON(http.StatusOK, known)
		return
	}
	if out, ok := b.current(c, token); ok {
		b.known.Store(token, out)
		c.JSON(http.StatusOK, out)
	}
}

// session is the check by hand: one joined read by key, and the same answer.
func (b *bareServer) session(c *gin.Context) {
	token, err := c.Cookie("latchkey")
	if err != nil {
		refuse(c, "unauthenticated")
		return
	}
	if out, ok := b.current(c, token); ok {
		c.JSON(http.StatusOK, out)
	}
}

func (b *bareServer) current(c *gin.Context, token string) (bareCurrent, bool) {
	hash := sha256.Sum256([]byte(token))
	var (
		s               bareSession
		u               bareUser
		methods, status string
		team, in, role  *string
		via, provider   *string
		wallet, kind    *string
		chain           *int64
		entered         *time.Time
	)
	into := []any{
		&s.ID, &methods, &s.IP, &s.UserAgent, &s.CreatedAt, &s.AuthenticatedAt, &s.LastSeenAt, &s.IdleExpiresAt, &s.ExpiresAt,
		&team, &in, &entered, &role, &s.Kind, &via, &provider, &wallet, &chain, &kind,
		&u.ID, &u.DisplayName, &u.AvatarURL, &u.PrimaryEmail, &u.OnboardedAt, (*jsonObject)(&u.Metadata), &u.CreatedAt, &status,
	}
	err := b.readSession(c.Request.Context(), hash[:], into)
	now := time.Now()
	if err != nil || status != "active" || !now.Before(s.ExpiresAt) || !now.Before(s.IdleExpiresAt) {
		refuse(c, "unauthenticated")
		return bareCurrent{}, false
	}
	s.Methods, s.Device, s.Current = strings.Fields(methods), deviceOf(s.UserAgent), true
	inUTC(&s.CreatedAt, &s.AuthenticatedAt, &s.LastSeenAt, &s.IdleExpiresAt, &s.ExpiresAt, &u.CreatedAt)
	out := bareCurrent{Session: s, User: u}
	if via != nil {
		out.Identity = &bareIdentity{ID: *via, Provider: *provider}
		if wallet != nil {
			out.Identity.Wallet = &bareWallet{Address: *wallet, ChainID: *chain, Kind: *kind}
		}
	}
	if team != nil && role != nil {
		t := bareTeamSession{
			bareSession: s, Role: role, Status: "active", TeamID: *in,
			User: bareWho{DisplayName: u.DisplayName, ID: u.ID, PrimaryEmail: u.PrimaryEmail},
		}
		t.ID, t.CreatedAt = *team, entered.UTC()
		out.TeamSession = &t
	}
	return out, true
}

func (b *bareServer) readSession(ctx context.Context, hash []byte, into []any) error {
	if b.lite != nil {
		return b.lite.QueryRowContext(ctx, hash).Scan(into...)
	}
	return b.pool.QueryRow(ctx, bareSessionRead, hash).Scan(into...)
}

// openLite opens a file of SQLite for reads, as Latchkey does.
func (b *bareServer) openLite(ctx context.Context, file string) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_pragma=query_only(1)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	b.lite, err = db.PrepareContext(ctx, strings.NewReplacer("::text", "", "$1", "?1").Replace(bareSessionRead))
	return err
}

// jsonObject is a column of JSON on either engine.
type jsonObject map[string]any

// Scan implements sql.Scanner.
func (j *jsonObject) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), j)
	case []byte:
		return json.Unmarshal(v, j)
	}
	return fmt.Errorf("cannot read JSON from %T", src)
}

// inUTC writes times as Latchkey does, wherever the machine is.
func inUTC(times ...*time.Time) {
	for _, t := range times {
		*t = t.UTC()
	}
}
