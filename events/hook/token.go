package hook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/token"
)

// maxClaims bounds what the application adds to a token, in bytes of JSON.
const maxClaims = 2 << 10

// reservedClaims mean something in our own tokens. They are refused below app too:
// a service that reads the wrong level would believe them.
var reservedClaims = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "auth_time", "amr", "acr", "azp", "nonce", "at_hash", "c_hash",
	"sid", "scope", "team", "tsid", "role", "act", "cnf", "app",
}

// Token asks what tokens say. It implements token.ClaimSource.
type Token struct {
	hook *hook
	log  *slog.Logger
}

var _ token.ClaimSource = (*Token)(nil)

// NewToken returns the hook about tokens, nil if there is none.
func NewToken(t Targets, log *slog.Logger, now identity.Clock) (token.ClaimSource, error) {
	h, err := newHook(typeToken, t.Token, now)
	if err != nil {
		return nil, fmt.Errorf("LATCHKEY_HOOK_TOKEN: %w", err)
	}
	if h == nil {
		return nil, nil
	}
	return &Token{hook: h, log: log}, nil
}

type tokenQuestion struct {
	Type  string    `json:"type"`
	Token tokenSeen `json:"token"`
	User  *user     `json:"user"`
}

type tokenSeen struct {
	ClientID  string       `json:"client_id"`
	Audience  string       `json:"audience"`
	SessionID identity.ID  `json:"session_id"`
	AMR       []string     `json:"amr"`
	TeamID    *identity.ID `json:"team_id"`
	Role      *string      `json:"role"`
}

// AppClaims implements token.ClaimSource.
func (t *Token) AppClaims(ctx context.Context, q token.ClaimQuestion) (json.RawMessage, error) {
	began := time.Now()
	claims, err := t.claims(ctx, q)
	t.hook.note(ctx, began, err)
	if err == nil {
		return claims, nil
	}
	t.log.WarnContext(ctx, "a hook gave no answer", "hook", t.hook.kind, "error", err, "allowed", t.hook.failOpen)
	if t.hook.failOpen {
		return nil, nil
	}
	return nil, identity.NewError(identity.CodeUnavailable, "the application that adds to tokens did not answer; try again shortly").Wrap(err)
}

func (t *Token) claims(ctx context.Context, q token.ClaimQuestion) (json.RawMessage, error) {
	seen := tokenSeen{ClientID: q.ClientID, Audience: q.Audience, SessionID: q.SessionID, AMR: q.AMR, TeamID: q.TeamID}
	if q.Role != "" {
		seen.Role = (*string)(&q.Role)
	}
	var answer struct {
		Claims json.RawMessage `json:"claims"`
	}
	if err := t.hook.ask(ctx, tokenQuestion{Type: t.hook.kind, Token: seen, User: userOf(&q.User)}, &answer); err != nil {
		return nil, err
	}
	var names map[string]json.RawMessage
	var compact bytes.Buffer
	if err := json.Unmarshal(answer.Claims, &names); err != nil || names == nil || json.Compact(&compact, answer.Claims) != nil {
		return nil, errors.New("the answer has no claims object")
	}
	if compact.Len() > maxClaims {
		return nil, fmt.Errorf("the claims have more than %d bytes", maxClaims)
	}
	for name := range names {
		if slices.Contains(reservedClaims, name) {
			return nil, fmt.Errorf("the claim %s is reserved", name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return compact.Bytes(), nil
}
