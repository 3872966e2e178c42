package hook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/linking"
)

// The hooks, by the type in their requests.
const (
	typeSignIn     = "sign_in.before"
	typeUserCreate = "user.before_create"
	typeToken      = "token.before"
)

// Targets are the hooks of a deployment.
type Targets struct {
	SignIn     Target // before a proof is applied
	UserCreate Target // before a user is created
	Token      Target // before a token is signed
}

// SignIn asks about sign-ins and new users. It implements linking.Hooks.
type SignIn struct {
	before, create *hook
	log            *slog.Logger
}

var _ linking.Hooks = (*SignIn)(nil)

// NewSignIn returns the hooks about sign-ins, nil if there are none.
func NewSignIn(t Targets, log *slog.Logger, now identity.Clock) (linking.Hooks, error) {
	before, err := newHook(typeSignIn, t.SignIn, now)
	if err != nil {
		return nil, fmt.Errorf("LATCHKEY_HOOK_SIGN_IN: %w", err)
	}
	create, err := newHook(typeUserCreate, t.UserCreate, now)
	if err != nil {
		return nil, fmt.Errorf("LATCHKEY_HOOK_USER_CREATE: %w", err)
	}
	if before == nil && create == nil {
		return nil, nil
	}
	return &SignIn{before: before, create: create, log: log}, nil
}

// signInQuestion is what the application is asked.
type signInQuestion struct {
	Type    string  `json:"type"`
	Attempt attempt `json:"attempt"`
}

type attempt struct {
	Decision string `json:"decision"`
	Reason   string `json:"reason"`
	Purpose  string `json:"purpose"`
	Inputs   string `json:"inputs"` // the fingerprint of the facts
	Proof    proof  `json:"proof"`
	User     *user  `json:"user"`
	Client   client `json:"client"`
}

type proof struct {
	Provider      string  `json:"provider"`
	Subject       string  `json:"subject"`
	Email         *string `json:"email"`
	EmailVerified bool    `json:"email_verified"`
	DisplayName   string  `json:"display_name"`
	Wallet        *wallet `json:"wallet"`
}

type wallet struct {
	Address string `json:"address"`
	ChainID int64  `json:"chain_id"`
	Kind    string `json:"kind"`
}

type user struct {
	ID           identity.ID `json:"id"`
	DisplayName  string      `json:"display_name"`
	PrimaryEmail *string     `json:"primary_email"`
	OnboardedAt  *time.Time  `json:"onboarded_at"`
	CreatedAt    time.Time   `json:"created_at"`
}

type client struct {
	IP        string `json:"ip"`
	UserAgent string `json:"user_agent"`
}

func userOf(u *identity.User) *user {
	if u == nil {
		return nil
	}
	return &user{ID: u.ID, DisplayName: u.DisplayName, PrimaryEmail: u.PrimaryEmail, OnboardedAt: u.OnboardedAt, CreatedAt: u.CreatedAt}
}

func attemptOf(a linking.Attempt) attempt {
	p := a.Proof
	out := attempt{
		Decision: string(a.Decision.Action), Reason: string(a.Decision.Reason), Purpose: string(p.Purpose), Inputs: a.Decision.Inputs,
		Proof: proof{Provider: p.Provider, Subject: p.Subject, EmailVerified: p.VerifiedEmail() != "", DisplayName: p.DisplayName},
		User:  userOf(a.User), Client: client{IP: a.Origin.IP, UserAgent: a.Origin.UserAgent},
	}
	if p.Email != "" {
		out.Proof.Email = &p.Email
	}
	if w := p.Wallet; w != nil {
		out.Proof.Wallet = &wallet{Address: w.Address, ChainID: w.ChainID, Kind: w.Kind}
	}
	return out
}

// signInAnswer is what the application says. Allow is required.
type signInAnswer struct {
	Allow   *bool  `json:"allow"`
	Code    string `json:"code"`
	Message string `json:"message"`
	// From user.before_create: how the new user begins.
	DisplayName *string           `json:"display_name"`
	ExternalID  string            `json:"external_id"`
	AppMetadata identity.Metadata `json:"app_metadata"`
}

var appCode = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

const (
	maxMessage = 300 // characters
	maxName    = 200
)

func (a signInAnswer) domain() (linking.Answer, error) {
	if a.Allow == nil {
		return linking.Answer{}, errors.New("the answer has no allow")
	}
	if !*a.Allow {
		out := linking.Answer{Denied: true, Message: identity.OneLine(a.Message, maxMessage)}
		if appCode.MatchString(a.Code) {
			out.Code = a.Code
		}
		return out, nil
	}
	if a.DisplayName != nil && !identity.IsLine(*a.DisplayName, maxName) {
		return linking.Answer{}, errors.New("display_name is not one line")
	}
	if err := errors.Join(identity.CheckExternalID(a.ExternalID), identity.CheckAppMetadata(a.AppMetadata)); err != nil {
		return linking.Answer{}, err
	}
	return linking.Answer{DisplayName: a.DisplayName, ExternalID: a.ExternalID, AppMetadata: a.AppMetadata.Raw()}, nil
}

// Asks implements linking.Hooks.
func (s *SignIn) Asks(action linking.Action) bool {
	return s.before != nil || s.create != nil && action == linking.ActionCreate
}

// Ask implements linking.Hooks.
func (s *SignIn) Ask(ctx context.Context, a linking.Attempt) (linking.Answer, error) {
	first, err := s.put(ctx, s.before, a)
	if err != nil || first.Denied || a.Decision.Action != linking.ActionCreate {
		// Only user.before_create says how a user begins.
		first.DisplayName, first.ExternalID, first.AppMetadata = nil, "", ""
		return first, err
	}
	second, err := s.put(ctx, s.create, a)
	second.Unanswered = second.Unanswered || first.Unanswered
	return second, err
}

// put asks one hook; none agrees.
func (s *SignIn) put(ctx context.Context, h *hook, a linking.Attempt) (linking.Answer, error) {
	if h == nil {
		return linking.Answer{}, nil
	}
	var raw signInAnswer
	began := time.Now()
	err := h.ask(ctx, signInQuestion{Type: h.kind, Attempt: attemptOf(a)}, &raw)
	var out linking.Answer
	if err == nil {
		out, err = raw.domain()
	}
	h.note(ctx, began, err)
	if err == nil {
		return out, nil
	}
	s.log.WarnContext(ctx, "a hook gave no answer", "hook", h.kind, "error", err, "allowed", h.failOpen)
	if h.failOpen {
		return linking.Answer{Unanswered: true}, nil
	}
	return linking.Answer{}, err
}
