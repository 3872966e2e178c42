package user

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/latchkey/latchkey/identity"
)

// externalPrefix marks a reference by the application's own id.
const externalPrefix = "ext:"

// Find returns a user as the application names them: by id, also a former one, or by
// "ext:" and its own id.
func (s *Service) Find(ctx context.Context, ref string) (WithIdentities, error) {
	u, err := s.find(ctx, ref)
	if err != nil {
		return WithIdentities{}, err
	}
	out, err := s.withIdentities(ctx, []identity.User{u})
	if err != nil {
		return WithIdentities{}, err
	}
	return out[0], nil
}

func (s *Service) find(ctx context.Context, ref string) (identity.User, error) {
	if external, ok := strings.CutPrefix(ref, externalPrefix); ok {
		return s.store.UserByExternalID(ctx, external)
	}
	var id identity.ID
	if err := id.UnmarshalText([]byte(ref)); err != nil {
		return identity.User{}, identity.NewError(identity.CodeInvalidRequest, "give the id of a user, or ext: and the id that your application has for them").WithField("user")
	}
	return s.store.User(ctx, id)
}

// ApplicationChange is what the application's backend changes about a user; nil leaves
// a field as it is.
type ApplicationChange struct {
	DisplayName *string
	ExternalID  *string           // "" removes it
	AppMetadata identity.Metadata // replaces the object
	Onboarded   *bool
}

func (c ApplicationChange) check() error {
	if err := (Change{DisplayName: c.DisplayName}).check(); err != nil {
		return err
	}
	if c.ExternalID != nil {
		if err := identity.CheckExternalID(*c.ExternalID); err != nil {
			return err
		}
	}
	return identity.CheckAppMetadata(c.AppMetadata)
}

// UpdateByApplication changes a user for a service with an API key, which cannot change
// operators. CodeExternalIDTaken if another user has the external id, or a former id of
// this one does.
func (s *Service) UpdateByApplication(ctx context.Context, actor identity.Actor, ref string, c ApplicationChange) (WithIdentities, error) {
	if err := c.check(); err != nil {
		return WithIdentities{}, err
	}
	found, err := s.find(ctx, ref)
	if err != nil {
		return WithIdentities{}, err
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		locked, err := s.store.LockUsers(ctx, found.ID)
		if err != nil {
			return err
		}
		leaves, err := s.store.Deletions(ctx, []identity.ID{found.ID})
		if err != nil {
			return err
		}
		if len(locked) == 0 || locked[0].Status == identity.StatusMerged || leaves[found.ID].DeletedAt != nil {
			return identity.ErrNotFound
		}
		u := locked[0]
		if err := actor.RequireActsOn(u); err != nil {
			return err
		}
		now, before := s.now(), u.ExternalID
		fields := c.apply(&u, now)
		if c.ExternalID != nil && *c.ExternalID != "" {
			switch _, err := s.store.UserByExternalID(ctx, *c.ExternalID); {
			case err == nil && (before == nil || *before != *c.ExternalID):
				return identity.ErrExternalIDTaken().WithField("external_id")
			case err != nil && !errors.Is(err, identity.ErrNotFound):
				return err
			}
		}
		u.UpdatedAt = now
		if err := s.store.UpdateUser(ctx, u); err != nil {
			return err
		}
		if err := s.store.UpdateApplicationData(ctx, u); err != nil {
			return err
		}
		e := actor.Event(identity.ActionUserUpdated, now)
		e.UserID, e.Data = &u.ID, identity.Metadata{"fields": fields}
		return s.store.RecordEvents(ctx, e)
	})
	if err != nil {
		return WithIdentities{}, err
	}
	return s.Get(ctx, found.ID)
}

// apply changes the user and names the fields.
func (c ApplicationChange) apply(u *identity.User, now time.Time) (fields []string) {
	if c.DisplayName != nil {
		u.DisplayName, fields = strings.TrimSpace(*c.DisplayName), append(fields, "display_name")
	}
	if c.ExternalID != nil {
		u.ExternalID, fields = c.ExternalID, append(fields, "external_id")
		if *c.ExternalID == "" {
			u.ExternalID = nil
		}
	}
	if c.AppMetadata != nil {
		u.AppMetadata, fields = c.AppMetadata.Raw(), append(fields, "app_metadata")
	}
	if c.Onboarded != nil {
		fields = append(fields, "onboarded")
		switch {
		case !*c.Onboarded:
			u.OnboardedAt = nil
		case u.OnboardedAt == nil:
			u.OnboardedAt = &now
		}
	}
	return fields
}
