package api_test

import (
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/internal/apptest"
)

func TestEmailIsAWayIn(t *testing.T) {
	apptest.Each(t, func(t *testing.T, a *apptest.App) {
		b := a.Browser()
		providers := b.GET("/v1/auth/providers").Want(http.StatusOK)
		if providers.String("data.2.name") != "email" || providers.String("data.2.kind") != "email" {
			t.Fatalf("providers: %s", providers.Body)
		}
		first := b.Email("Ada@Example.com", "sign_in").Want(http.StatusOK)
		if first.String("outcome") != "created" || first.String("user.primary_email") != "ada@example.com" || first.Get("token") != nil {
			t.Fatalf("first: %s", first.Body)
		}
		if who := b.GET("/v1/session").Want(http.StatusOK); who.String("user.id") != first.String("user.id") || who.String("session.methods.0") != "email" {
			t.Fatalf("session: %s", who.Body)
		}
	})
}
