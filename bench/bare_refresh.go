package main

import (
	"context"
	"crypto/ed25519"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

type bareTokens struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
}

var bareKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // signs nothing that counts

// refresh is by hand what Latchkey does: one transaction that locks the family,
// reads the session and writes the generation; then an access token.
func (b *bareServer) refresh(c *gin.Context) {
	var in struct {
		RefreshToken string `json:"refresh_token"`
		ClientID     string `json:"client_id"`
	}
	if c.ShouldBindJSON(&in) != nil {
		refuse(c, "invalid_request")
		return
	}
	family, generation, _ := strings.Cut(in.RefreshToken, ".")
	n, err := strconv.Atoi(generation)
	if err != nil {
		refuse(c, "invalid_grant")
		return
	}
	user, session, err := b.rotate(c.Request.Context(), family, in.ClientID, n)
	if err != nil {
		refuse(c, "invalid_grant")
		return
	}
	now := time.Now()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"iss": b.origin, "sub": user, "sid": session, "aud": "https://api.example.com", "client_id": in.ClientID,
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "jti": uuid.NewString(),
	})
	token.Header["typ"], token.Header["kid"] = "at+jwt", "bench"
	access, err := token.SignedString(bareKey)
	if err != nil {
		refuse(c, "internal")
		return
	}
	// This token can be guessed. One that cannot costs a hash more.
	c.JSON(http.StatusOK, bareTokens{AccessToken: access, ExpiresIn: 300, RefreshToken: family + "." + strconv.Itoa(n+1), TokenType: "Bearer"})
}

func (b *bareServer) rotate(ctx context.Context, family, clientID string, generation int) (user, session string, err error) {
	tx, err := b.pool.Begin(ctx)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	if err := tx.QueryRow(ctx, `SELECT session_id::text FROM refresh_families
		WHERE id = $1 AND generation = $2 AND client_id = $3 AND ended_at IS NULL FOR NO KEY UPDATE`, family, generation, clientID).Scan(&session); err != nil {
		return "", "", err
	}
	err = tx.QueryRow(ctx, `SELECT u.id::text FROM sessions s JOIN users u ON u.id = s.user_id
		WHERE s.id = $1 AND s.ended_at IS NULL AND s.expires_at > now() AND s.idle_expires_at > now() AND u.status = 'active'`, session).Scan(&user)
	if err != nil {
		return "", "", err
	}
	if _, err := tx.Exec(ctx, "UPDATE refresh_families SET generation = generation + 1, rotated_at = now() WHERE id = $1", family); err != nil {
		return "", "", err
	}
	return user, session, tx.Commit(ctx)
}
