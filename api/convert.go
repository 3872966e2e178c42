package api

import (
	"cmp"
	"encoding/base64"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/lru"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/method/solana"
	"github.com/latchkey/latchkey/identity/session"
	"github.com/latchkey/latchkey/identity/team"
	"github.com/latchkey/latchkey/identity/teamsession"
	"github.com/latchkey/latchkey/identity/user"
)

func userOf(u identity.User) contract.User {
	out := contract.User{
		Id: u.ID, DisplayName: u.DisplayName, AvatarUrl: u.AvatarURL, PrimaryEmail: u.PrimaryEmail,
		OnboardedAt: u.OnboardedAt, Metadata: u.Metadata.Map(), CreatedAt: u.CreatedAt,
	}
	if u.Operator {
		out.Operator = &u.Operator
	}
	return out
}

// principalUserOf is userOf for the person themselves, with the ids that they had
// before merges.
func principalUserOf(p session.Principal) contract.User {
	out := userOf(p.User)
	out.FormerIds = new(append([]identity.ID{}, p.FormerIDs...))
	return out
}

func (s *Server) adminUserOf(u user.WithIdentities) contract.AdminUser {
	out := contract.AdminUser{
		Id: u.ID, DisplayName: u.DisplayName, AvatarUrl: u.AvatarURL, PrimaryEmail: u.PrimaryEmail,
		OnboardedAt: u.OnboardedAt, Metadata: u.Metadata.Map(), CreatedAt: u.CreatedAt,
		Status: contract.AdminUserStatus(u.Status), Operator: u.Operator, MergedInto: u.MergedInto,
		MergedFrom: append([]identity.ID{}, u.MergedFrom...), Identities: each(u.Identities, s.identityOf),
		ExternalId: u.ExternalID, AppMetadata: u.AppMetadata.Map(), SuspendedUntil: u.SuspendedUntil,
	}
	out.DeletesAt, out.DeletedAt = leavingOf(u.Leave)
	return out
}

// leavingOf returns when a user will be deleted, or when they were.
func leavingOf(l *identity.Leave) (deletes, deleted *time.Time) {
	switch {
	case l == nil:
		return nil, nil
	case l.DeletedAt != nil:
		return nil, l.DeletedAt
	}
	return &l.DeletesAt, nil
}

func (s *Server) identityOf(i identity.Identity) contract.Identity {
	out := contract.Identity{
		Id: i.ID, Provider: i.Provider, Subject: i.Subject, Label: i.Label, Email: optional(i.Email),
		CreatedAt: i.CreatedAt, LastUsedAt: i.LastUsedAt,
	}
	if i.WalletAddress != nil {
		out.Wallet = &contract.Wallet{
			Address: *i.WalletAddress, ChainId: *i.WalletChainID, Kind: contract.WalletKind(*i.WalletKind), Primary: i.IsPrimary,
			TermsVersion: optional(i.TermsVersion),
		}
		// What is not known yet is looked up after the request.
		if p, ok := s.ENS.Cached(common.HexToAddress(*i.WalletAddress)); ok {
			out.Wallet.EnsName, out.Wallet.EnsAvatarUrl = optional(p.Name), optional(p.AvatarURL)
		}
	}
	if network, address, ok := solana.Account(i.Subject); ok && i.Provider == identity.ProviderSolana {
		out.Solana = &contract.SolanaAccount{Address: address, Network: network.Name, TermsVersion: optional(i.TermsVersion)}
	}
	if p := i.Passkey; p != nil {
		out.Passkey = &contract.Passkey{BackupEligible: p.BackupEligible, BackedUp: p.BackedUp, CloneSuspectedAt: p.CloneSuspectedAt}
	}
	return out
}

func (s *Server) sessionOf(from session.Session, current bool) contract.Session {
	out := contract.Session{
		Id: from.ID, CreatedAt: from.CreatedAt, AuthenticatedAt: from.AuthenticatedAt, ExpiresAt: from.ExpiresAt,
		IdleExpiresAt: from.IdleExpiresAt, LastSeenAt: from.LastSeenAt, Methods: from.Methods,
		Ip: from.IP, UserAgent: from.UserAgent, Device: device(from.UserAgent), Place: s.place(from.IP), Current: current, Kind: new(contract.SessionKind(cmp.Or(from.Kind, session.KindBrowser))),
	}
	if from.ClientID != nil {
		out.Client = &contract.SessionClient{Id: *from.ClientID, Name: value(from.ClientName)}
	}
	return out
}

// place is about where an address is, nil where that is not known.
func (s *Server) place(ip string) *string {
	if s.Places == nil {
		return nil
	}
	return optional(s.Places(ip))
}

func (s *Server) adminSessionOf(l session.Listed, current bool, now time.Time) contract.AdminSession {
	o := s.sessionOf(l.Session, current)
	return contract.AdminSession{
		Id: o.Id, CreatedAt: o.CreatedAt, AuthenticatedAt: o.AuthenticatedAt, ExpiresAt: o.ExpiresAt,
		IdleExpiresAt: o.IdleExpiresAt, LastSeenAt: o.LastSeenAt, Methods: o.Methods,
		Ip: o.Ip, UserAgent: o.UserAgent, Device: o.Device, Place: o.Place, Current: o.Current, Kind: o.Kind, Client: o.Client,
		User:   summaryOf(l.UserID, l.Summary),
		Status: contract.SessionStatus(l.Status(now)),
	}
}

func (s *Server) teamSessionOf(l teamsession.Listed, current bool, now time.Time) contract.TeamSession {
	return inTeam(l, s.sessionOf(l.Behind, current), now)
}

// inTeam is teamSessionOf for a session that has been converted already: to name
// the device takes as long as the rest.
func inTeam(l teamsession.Listed, s contract.Session, now time.Time) contract.TeamSession {
	out := contract.TeamSession{
		Id: l.ID, CreatedAt: l.CreatedAt, AuthenticatedAt: s.AuthenticatedAt, ExpiresAt: s.ExpiresAt,
		IdleExpiresAt: s.IdleExpiresAt, LastSeenAt: s.LastSeenAt, Methods: s.Methods,
		Ip: s.Ip, UserAgent: s.UserAgent, Device: s.Device, Place: s.Place, Current: s.Current, Kind: s.Kind, Client: s.Client,
		TeamId: l.TeamID, User: summaryOf(l.UserID, l.Summary),
		Status: contract.SessionStatus(l.Status(now)), BreakGlassUntil: l.BreakGlassUntil,
	}
	if l.Refusal != nil {
		out.Refusal = teamRefusalOf(l.TeamID, *l.Refusal)
	}
	if l.Role != nil {
		role := contract.TeamSessionRole(*l.Role)
		out.Role = &role
	}
	return out
}

func teamRefusalOf(id identity.ID, r team.Refusal) *contract.TeamRefusal {
	out := &contract.TeamRefusal{TeamId: id, Rule: string(r.Rule), Detail: r.Detail}
	if len(r.Missing) > 0 {
		out.Missing = &r.Missing
	}
	return out
}

// enteredOf is the team session of the session in hand.
func enteredOf(p session.Principal, s contract.Session, now time.Time) contract.TeamSession {
	return inTeam(teamsession.Listed{
		Session: teamsession.Session{ID: p.Team.ID, TeamID: p.Team.TeamID, UserID: p.User.ID, CreatedAt: p.Team.CreatedAt, BreakGlassUntil: p.Team.BreakGlassUntil},
		Summary: identity.Summary{DisplayName: p.User.DisplayName, PrimaryEmail: p.User.PrimaryEmail},
		Behind:  p.Session, Role: &p.Team.Role,
	}, s, now)
}

func teamOf(m team.TeamWithRole) contract.Team {
	return contract.Team{Id: m.ID, Name: m.Name, Role: contract.Role(m.Role), CreatedAt: m.CreatedAt}
}

func memberOf(m team.Member) contract.Member {
	return contract.Member{
		User: summaryOf(m.UserID, m.Summary),
		Role: contract.Role(m.Role), CreatedAt: m.CreatedAt,
	}
}

func membershipOf(p team.MembershipWithTeam) contract.Membership {
	return contract.Membership{Team: contract.TeamSummary{Id: p.TeamID, Name: p.TeamName}, Role: contract.Role(p.Role), CreatedAt: p.CreatedAt}
}

func invitationOf(i team.Invitation) contract.Invitation {
	return contract.Invitation{
		Id: i.ID, TeamId: i.TeamID, Email: i.Email, Wallet: i.Wallet, Role: contract.Role(i.Role),
		CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt, VoidReason: optional(contract.InvitationVoidReason(i.VoidReason)),
	}
}

func receivedOf(r team.Received) contract.MyInvitation {
	i := invitationOf(r.Invitation)
	return contract.MyInvitation{
		Id: i.Id, TeamId: i.TeamId, Email: i.Email, Wallet: i.Wallet, Role: i.Role,
		CreatedAt: i.CreatedAt, ExpiresAt: i.ExpiresAt, TeamName: r.TeamName,
	}
}

// each converts a list; an empty one stays a list in JSON.
func each[From, To any](from []From, convert func(From) To) []To {
	out := make([]To, len(from))
	for i, f := range from {
		out[i] = convert(f)
	}
	return out
}

// devices remembers names: reading a user agent takes as long as all the rest
// of a session check, and there are few kinds of them.
var devices = lru.NewCache[string, string](1024)

// device names a device for people, such as "Firefox on Linux".
func device(userAgent string) string {
	name, known := devices.Get(userAgent)
	if !known {
		name = identity.DeviceName(userAgent)
		devices.Add(userAgent, name)
	}
	return name
}

const defaultLimit = 50

// page reads the parameters of a list. The cursor is the last id of the page
// before, so that pages are stable while rows come and go.
func page(limit *contract.Limit, cursor *contract.Cursor) (identity.Page, error) {
	p := identity.Page{Limit: defaultLimit}
	if limit != nil {
		p.Limit = *limit
	}
	if cursor == nil {
		return p, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(*cursor)
	if err != nil || len(raw) != len(identity.ID{}) {
		return p, errInvalidRequest("this is not a next_cursor of this list").WithField("cursor")
	}
	p.After = new(identity.ID(raw))
	return p, nil
}

func nextCursor(last *identity.ID) *string {
	if last == nil {
		return nil
	}
	s := base64.RawURLEncoding.EncodeToString(last[:])
	return &s
}
