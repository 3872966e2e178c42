package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/testkit/apptest"
)

// A remembered session is weighed before its answer is made: what every answer
// has, apart from texts, is known there as at most 850 bytes, and 600 of a team.
func TestSessionAnswerIsWeighed(t *testing.T) {
	t.Parallel()
	a := apptest.SQLite(t)
	b := a.Browser()
	b.Wallet(apptest.NewWallet(t), "sign_in").Want(http.StatusOK)
	plain := b.GET("/v1/session").Want(http.StatusOK)
	texts := len(plain.String("session.ip")) + len(plain.String("session.user_agent")) // of who has nothing else
	if frame := len(plain.Body) - texts; frame > 850 {
		t.Errorf("the answer has %d bytes besides texts: %s", frame, plain.Body)
	}
	team := b.POST("/v1/teams", map[string]any{"name": strings.Repeat("n", 100)}).Want(http.StatusCreated).String("id")
	b.POST("/v1/teams/"+team+"/sessions", nil).Want(http.StatusCreated)
	if entered := b.GET("/v1/session").Want(http.StatusOK); len(entered.Body)-len(plain.Body)-texts > 600 {
		t.Errorf("a team adds %d bytes: %s", len(entered.Body)-len(plain.Body), entered.Body)
	}
}
