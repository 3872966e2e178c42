package user

import (
	"context"
	"errors"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

// New is a user whom the application's backend creates or finds. Email, canonical, and
// Wallet, EIP-55, only find one: they are not kept.
type New struct {
	ExternalID    string // "" for none
	Email, Wallet string // "" for none
	DisplayName   string
	AppMetadata   identity.Metadata
	Onboarded     bool
}

// CreateByApplication returns the user who has the external id, the address or the
// wallet, who gets the external id if they have none, or creates one, and reports whether
// it did. A user who is created has no identity and no address, so nothing signs in to
// them. CodeExternalIDTaken, CodeEmailTaken or CodeIdentityTaken if what is given leads to
// different users, or to one with another external id. CodeForbidden for an operator who
// would be changed.
func (s *Service) CreateByApplication(ctx context.Context, actor identity.Actor, n New) (WithIdentities, bool, error) {
	if err := (ApplicationChange{DisplayName: &n.DisplayName, ExternalID: &n.ExternalID, AppMetadata: n.AppMetadata}).check(); err != nil {
		return WithIdentities{}, false, err
	}
	var id identity.ID
	var created bool
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		id, created = identity.ID{}, false
		found, known, err := s.findNew(ctx, n)
		if err != nil {
			return err
		}
		if found == nil {
			id, created = identity.NewID(), true
			return s.insertByApplication(ctx, actor, id, n)
		}
		id = found.ID
		if n.ExternalID == "" || known || found.ExternalID != nil {
			return nil
		}
		return s.giveExternalID(ctx, actor, id, n.ExternalID)
	})
	if err != nil {
		return WithIdentities{}, false, err
	}
	u, err := s.Get(ctx, id)
	return u, created, err
}

func (s *Service) insertByApplication(ctx context.Context, actor identity.Actor, id identity.ID, n New) error {
	now := s.now()
	u := identity.User{ID: id, Status: identity.StatusActive, CreatedByKey: actor.KeyID, CreatedAt: now, UpdatedAt: now}
	c := ApplicationChange{DisplayName: &n.DisplayName, AppMetadata: n.AppMetadata, Onboarded: &n.Onboarded}
	if n.ExternalID != "" {
		c.ExternalID = &n.ExternalID
	}
	c.apply(&u, now)
	if err := s.store.InsertUser(ctx, u); err != nil {
		return err
	}
	e := actor.Event(identity.ActionUserCreated, now)
	e.UserID, e.Data = &id, identity.Metadata{"reason": "created_by_application"}
	return s.store.RecordEvents(ctx, e)
}

// giveExternalID gives a user who has none the application's own id.
func (s *Service) giveExternalID(ctx context.Context, actor identity.Actor, id identity.ID, external string) error {
	locked, err := s.store.LockUsers(ctx, id)
	if err != nil {
		return err
	}
	if len(locked) == 0 || locked[0].Status == identity.StatusMerged || locked[0].ExternalID != nil {
		return identity.ErrRaced
	}
	u, now := locked[0], s.now()
	if err := actor.RequireActsOn(u); err != nil {
		return err
	}
	u.ExternalID, u.UpdatedAt = &external, now
	if err := errors.Join(s.store.UpdateUser(ctx, u), s.store.UpdateApplicationData(ctx, u)); err != nil {
		return err
	}
	e := actor.Event(identity.ActionUserUpdated, now)
	e.UserID, e.Data = &id, identity.Metadata{"fields": []string{"external_id"}}
	return s.store.RecordEvents(ctx, e)
}

// findNew returns the one user that everything given leads to, nil for none, and reports
// whether the external id is theirs, now or before a merge.
func (s *Service) findNew(ctx context.Context, n New) (found *identity.User, known bool, err error) {
	if n.ExternalID != "" {
		u, err := s.store.UserByExternalID(ctx, n.ExternalID)
		if err == nil {
			found, known = &u, true
		} else if !errors.Is(err, identity.ErrNotFound) {
			return nil, false, err
		}
	}
	if n.Email != "" {
		owner, err := s.store.EmailOwner(ctx, n.Email)
		if err == nil {
			var u identity.User
			if u, err = s.store.User(ctx, owner); err == nil {
				found, err = oneUser(found, u, n.ExternalID, identity.CodeEmailTaken, "email")
			}
		}
		if err != nil && !errors.Is(err, identity.ErrNotFound) {
			return nil, false, err
		}
	}
	if n.Wallet != "" {
		owners, err := s.store.Users(ctx, identity.UserFilter{Wallet: n.Wallet}, identity.Page{Limit: 2})
		if err != nil {
			return nil, false, err
		}
		for _, u := range owners { // the same account of several chains can be of several
			if found, err = oneUser(found, u, n.ExternalID, identity.CodeIdentityTaken, "wallet"); err != nil {
				return nil, false, err
			}
		}
	}
	return found, known, nil
}

// oneUser returns u, who was found by a field, if that is who was found before and
// nothing speaks against it being who the external id means.
func oneUser(found *identity.User, u identity.User, external string, code identity.Code, field string) (*identity.User, error) {
	if found != nil && found.ID == u.ID {
		return found, nil
	}
	if found == nil && (external == "" || u.ExternalID == nil) {
		return &u, nil
	}
	what := strings.ToUpper(field[:1]) + field[1:]
	return nil, identity.NewError(code, "%s leads to another user than the rest of the request, or to one with another external_id", what).WithField(field)
}
