package api

import (
	"context"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/authserver"
	"github.com/latchkey/latchkey/internal/ratelimit"
)

const devicePage = "/device"

// AuthorizeDevice gives a device its codes.
func (s *Server) AuthorizeDevice(ctx context.Context, _ contract.AuthorizeDeviceRequestObject) (contract.AuthorizeDeviceResponseObject, error) {
	info := requestInfoOf(ctx)
	app, err := s.clientOf(ctx)
	if err != nil {
		return nil, err
	}
	info.form.Set("client_ip", hopText(info.form.Get("client_ip")))
	codes, err := s.AuthServer.RequestDevice(ctx, app, info.form, info.origin)
	if err != nil {
		return nil, err
	}
	page := origin(s.Config.PublicURL) + devicePage
	return contract.AuthorizeDevice200JSONResponse{
		DeviceCode: codes.Device, UserCode: codes.User, VerificationUri: page,
		VerificationUriComplete: page + "?" + url.Values{"user_code": {codes.User}}.Encode(),
		ExpiresIn:               int(codes.ExpiresIn.Seconds()), Interval: int(codes.Interval.Seconds()),
	}, nil
}

// The limits of wrong codes: of a person, and of a network, where one could have many
// accounts. A code is one of 2.5 * 10^10.
var (
	perDeviceUser    = policy{"device_user", ratelimit.Limit{Quota: 10, Window: time.Hour}}
	perDeviceNetwork = policy{"device_network", ratelimit.Limit{Quota: 60, Window: time.Hour}}
)

// FindDevice returns what a device asks for whose code a person has.
func (s *Server) FindDevice(ctx context.Context, r contract.FindDeviceRequestObject) (contract.FindDeviceResponseObject, error) {
	q, err := s.findDevice(ctx, r.Body.UserCode)
	if err != nil {
		return nil, err
	}
	out := contract.FindDevice200JSONResponse{
		Request: q.Sealed, Scopes: append([]string{}, q.Scopes...), Resources: append([]string{}, q.Resources...),
		Ip: q.From.IP, Device: device(q.From.UserAgent), RequestedAt: q.At,
	}
	if s.Places != nil {
		out.Place = s.Places(q.From.IP)
	}
	out.Client.Id, out.Client.Name, out.Client.LogoUri = q.Client.ID, q.Client.Name, optional(q.Client.LogoURI)
	if q.TeamID != nil {
		out.Team = &struct {
			Id   identity.ID `json:"id"`
			Name string      `json:"name"`
		}{*q.TeamID, q.TeamName}
	}
	return out, nil
}

// findDevice counts a code as a wrong one before it is looked for, so that many at once
// are not more than one after the other, and takes that back if it is right.
func (s *Server) findDevice(ctx context.Context, code string) (authserver.DeviceQuestion, error) {
	c, info := ctx.(*gin.Context), requestInfoOf(ctx)
	type charge struct {
		policy
		key string
	}
	charges := []charge{{perDeviceUser, info.principal.User.ID.String()}}
	if !s.isExempt(c) {
		charges = append(charges, charge{perDeviceNetwork, network(info.addr)})
	}
	for i, x := range charges {
		if err := s.consumeLimit(c, x.policy, x.key); err != nil {
			for _, made := range charges[:i] {
				s.giveBack(c, made.policy, made.key)
			}
			return authserver.DeviceQuestion{}, err
		}
	}
	q, err := s.AuthServer.DeviceQuestion(ctx, code, *info.principal, info.origin)
	if identity.ErrorCode(err) != identity.CodeUserCodeUnknown {
		for _, x := range charges {
			s.giveBack(c, x.policy, x.key)
		}
	}
	return q, err
}

// DecideDevice takes the person's answer.
func (s *Server) DecideDevice(ctx context.Context, r contract.DecideDeviceRequestObject) (contract.DecideDeviceResponseObject, error) {
	allow := r.Body.Decision == contract.DecideDeviceJSONBodyDecisionAllow
	return contract.DecideDevice204Response{}, s.AuthServer.DecideDevice(ctx, r.Body.Request, *requestInfoOf(ctx).principal, s.actor(ctx), allow)
}
