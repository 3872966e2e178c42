package api

import (
	"context"
	"time"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/webhook"
)

// AdminListWebhooks lists the webhooks, to operators.
func (s *Server) AdminListWebhooks(ctx context.Context, r contract.AdminListWebhooksRequestObject) (contract.AdminListWebhooksResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Webhooks.List(ctx, p)
	return contract.AdminListWebhooks200JSONResponse{Data: each(rows, webhookOf), NextCursor: nextCursor(next)}, err
}

// AdminGetWebhook shows a webhook, to operators.
func (s *Server) AdminGetWebhook(ctx context.Context, r contract.AdminGetWebhookRequestObject) (contract.AdminGetWebhookResponseObject, error) {
	w, err := s.Webhooks.Get(ctx, r.Webhook)
	return contract.AdminGetWebhook200JSONResponse(webhookOf(w)), err
}

// AdminCreateWebhook makes a webhook, whose secret only this answer has.
func (s *Server) AdminCreateWebhook(ctx context.Context, r contract.AdminCreateWebhookRequestObject) (contract.AdminCreateWebhookResponseObject, error) {
	actor := s.actor(ctx)
	w, secret, err := s.Webhooks.Create(ctx, &actor, webhook.Webhook{
		URL: r.Body.Url, Description: value(r.Body.Description), Types: wordsOf(value(r.Body.Types)),
	})
	return contract.AdminCreateWebhook201JSONResponse(webhookSecretOf(w, secret)), err
}

// AdminUpdateWebhook changes what the request names.
func (s *Server) AdminUpdateWebhook(ctx context.Context, r contract.AdminUpdateWebhookRequestObject) (contract.AdminUpdateWebhookResponseObject, error) {
	actor := s.actor(ctx)
	c := webhook.Change{URL: r.Body.Url, Description: r.Body.Description}
	if r.Body.Types != nil {
		c.Types = new(wordsOf(*r.Body.Types))
	}
	if r.Body.Status != nil {
		c.Status = new(webhook.Status(*r.Body.Status))
	}
	w, err := s.Webhooks.Update(ctx, &actor, r.Webhook, c)
	return contract.AdminUpdateWebhook200JSONResponse(webhookOf(w)), err
}

// AdminDeleteWebhook ends a webhook.
func (s *Server) AdminDeleteWebhook(ctx context.Context, r contract.AdminDeleteWebhookRequestObject) (contract.AdminDeleteWebhookResponseObject, error) {
	actor := s.actor(ctx)
	return contract.AdminDeleteWebhook204Response{}, s.Webhooks.Delete(ctx, &actor, r.Webhook)
}

// AdminRotateWebhookSecret makes another secret, which only this answer has.
func (s *Server) AdminRotateWebhookSecret(ctx context.Context, r contract.AdminRotateWebhookSecretRequestObject) (contract.AdminRotateWebhookSecretResponseObject, error) {
	overlap := webhook.DefaultOverlap
	if r.Body != nil && r.Body.OverlapSeconds != nil {
		overlap = time.Duration(*r.Body.OverlapSeconds) * time.Second
	}
	actor := s.actor(ctx)
	w, secret, err := s.Webhooks.Rotate(ctx, &actor, r.Webhook, overlap)
	return contract.AdminRotateWebhookSecret201JSONResponse(webhookSecretOf(w, secret)), err
}

// AdminTestWebhook has a test event sent.
func (s *Server) AdminTestWebhook(ctx context.Context, r contract.AdminTestWebhookRequestObject) (contract.AdminTestWebhookResponseObject, error) {
	actor := s.actor(ctx)
	id, err := s.Webhooks.Test(ctx, &actor, r.Webhook)
	return contract.AdminTestWebhook202JSONResponse{EventId: id}, err
}

// AdminListWebhookDeliveries shows what became of what was sent.
func (s *Server) AdminListWebhookDeliveries(ctx context.Context, r contract.AdminListWebhookDeliveriesRequestObject) (contract.AdminListWebhookDeliveriesResponseObject, error) {
	p, err := page(r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, next, err := s.Webhooks.Deliveries(ctx, r.Webhook, webhook.DeliveryStatus(value(r.Params.Status)), p)
	return contract.AdminListWebhookDeliveries200JSONResponse{Data: each(rows, deliveryOf), NextCursor: nextCursor(next)}, err
}

// AdminReplayWebhook sends events again.
func (s *Server) AdminReplayWebhook(ctx context.Context, r contract.AdminReplayWebhookRequestObject) (contract.AdminReplayWebhookResponseObject, error) {
	actor := s.actor(ctx)
	n, err := s.Webhooks.Replay(ctx, &actor, r.Webhook, r.Body.Delivery, r.Body.Since)
	return contract.AdminReplayWebhook202JSONResponse{Deliveries: n}, err
}

func wordsOf(types contract.EventTypes) identity.Words {
	return each(types, func(t contract.EventType) string { return string(t) })
}

func webhookOf(w webhook.Webhook) contract.Webhook {
	return contract.Webhook{
		Id: w.ID, Url: w.URL, Description: w.Description, Types: each(w.Types, func(t string) contract.EventType { return contract.EventType(t) }),
		Status: contract.WebhookStatus(w.Status), DisabledReason: contract.WebhookDisabledReason(w.DisabledReason), FailingSince: w.FailingSince,
		PreviousSecretUntil: w.PreviousSecretUntil, CreatedBy: w.CreatedBy, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt,
	}
}

func webhookSecretOf(of webhook.Webhook, secret string) contract.WebhookSecret {
	w := webhookOf(of)
	return contract.WebhookSecret{
		Id: w.Id, Url: w.Url, Description: w.Description, Types: w.Types, Status: contract.WebhookSecretStatus(w.Status),
		DisabledReason: contract.WebhookSecretDisabledReason(w.DisabledReason), FailingSince: w.FailingSince,
		PreviousSecretUntil: w.PreviousSecretUntil, CreatedBy: w.CreatedBy, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Secret: secret,
	}
}

func deliveryOf(d webhook.EventDelivery) contract.WebhookDelivery {
	out := contract.WebhookDelivery{
		Id: d.ID, Event: feedEventOf(d.Event), Status: contract.DeliveryStatus(d.Status), Attempts: d.Attempts, CreatedAt: d.CreatedAt,
		AttemptedAt: d.AttemptedAt, DurationMs: d.DurationMs, ResponseStatus: optional(d.ResponseStatus), ResponseBody: d.ResponseBody, Error: d.Error,
	}
	if d.Status == webhook.Pending {
		out.NextAttemptAt = &d.NextAttemptAt
	}
	return out
}
