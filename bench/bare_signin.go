package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/gin-gonic/gin"
	"github.com/google/uuid"
)

const bareNonces = `CREATE TABLE IF NOT EXISTS bench_nonces (nonce text PRIMARY KEY, expires_at timestamptz NOT NULL)`

type bareChallenge struct {
	ChainID   int       `json:"chain_id"`
	Domain    string    `json:"domain"`
	ExpiresAt time.Time `json:"expires_at"`
	Message   string    `json:"message,omitempty"`
	Nonce     string    `json:"nonce"`
	URI       string    `json:"uri"`
}

// challenge keeps a nonce as most do: in a row.
func (b *bareServer) challenge(c *gin.Context) {
	var in struct {
		Address string `json:"address"`
	}
	if c.ShouldBindJSON(&in) != nil {
		refuse(c, "invalid_request")
		return
	}
	now := time.Now().UTC()
	out := bareChallenge{ChainID: 1, Domain: b.domain, URI: b.origin, Nonce: rand.Text(), ExpiresAt: now.Add(10 * time.Minute)}
	if _, err := b.pool.Exec(c.Request.Context(), "INSERT INTO bench_nonces (nonce, expires_at) VALUES ($1, $2)", out.Nonce, out.ExpiresAt); err != nil {
		refuse(c, "internal")
		return
	}
	if in.Address != "" {
		out.Message = b.domain + bareHeader + in.Address + "\n\n\nURI: " + b.origin + "\nVersion: 1\nChain ID: 1\nNonce: " + out.Nonce +
			"\nIssued At: " + now.Format(time.RFC3339Nano) + "\nExpiration Time: " + out.ExpiresAt.Format(time.RFC3339)
	}
	c.JSON(http.StatusOK, out)
}

const bareHeader = " wants you to sign in with your Ethereum account:\n"

// verify is the sign-in by hand: parse, compare, recover the key, one transaction.
func (b *bareServer) verify(c *gin.Context) {
	var in struct {
		Message   string `json:"message"`
		Signature string `json:"signature"`
	}
	if c.ShouldBindJSON(&in) != nil {
		refuse(c, "invalid_request")
		return
	}
	address, nonce, ok := b.read(in.Message)
	if !ok || !signedBy(address, in.Message, in.Signature) {
		refuse(c, "invalid_proof")
		return
	}
	var random [32]byte
	_, _ = rand.Read(random[:])
	token := base64.RawURLEncoding.EncodeToString(random[:])
	out, err := b.signIn(c.Request.Context(), address, nonce, token, c.ClientIP(), c.Request.UserAgent())
	if err != nil {
		refuse(c, "invalid_proof")
		return
	}
	http.SetCookie(c.Writer, &http.Cookie{ //nolint:gosec // no Secure: this is http on loopback, as Latchkey's own here
		Name: "latchkey", Value: token, Path: "/", MaxAge: 30 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	c.JSON(http.StatusOK, out)
}

// read takes a message apart at its lines and compares what must be compared.
func (b *bareServer) read(message string) (address, nonce string, ok bool) {
	rest, ok := strings.CutPrefix(message, b.domain+bareHeader)
	if !ok {
		return "", "", false
	}
	address, rest, _ = strings.Cut(rest, "\n")
	_, fields, ok := strings.Cut(rest, "\nURI: ")
	if !ok {
		return "", "", false
	}
	uri, fields, _ := strings.Cut(fields, "\n")
	values := map[string]string{}
	for line := range strings.SplitSeq(fields, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		values[name] = value
	}
	issued, err := time.Parse(time.RFC3339Nano, values["Issued At"])
	if err != nil || time.Since(issued).Abs() > 10*time.Minute || uri != b.origin || values["Version"] != "1" || values["Chain ID"] != "1" {
		return "", "", false
	}
	if s, has := values["Expiration Time"]; has {
		if t, err := time.Parse(time.RFC3339Nano, s); err != nil || !time.Now().Before(t) {
			return "", "", false
		}
	}
	return address, values["Nonce"], true
}

func signedBy(address, message, signature string) bool {
	sig, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	if err != nil || len(sig) != 65 || sig[64] < 27 {
		return false
	}
	sig[64] -= 27
	hash := crypto.Keccak256([]byte("\x19Ethereum Signed Message:\n"+strconv.Itoa(len(message))), []byte(message))
	key, err := crypto.SigToPub(hash, sig)
	return err == nil && crypto.PubkeyToAddress(*key).Hex() == address
}

// signIn is one transaction: delete the nonce, find the identity, insert the
// session.
func (b *bareServer) signIn(ctx context.Context, address, nonce, token, ip, userAgent string) (bareResult, error) {
	var out bareResult
	tx, err := b.pool.Begin(ctx)
	if err != nil {
		return out, err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	var expires time.Time
	if err := tx.QueryRow(ctx, "DELETE FROM bench_nonces WHERE nonce = $1 AND expires_at > now() RETURNING expires_at", nonce).Scan(&expires); err != nil {
		return out, err
	}
	var identityID string
	u := &out.User
	err = tx.QueryRow(ctx, `SELECT i.id::text, u.id::text, u.display_name, u.avatar_url, u.primary_email, u.onboarded_at, u.metadata, u.created_at
FROM identities i JOIN users u ON u.id = i.user_id
WHERE i.provider = 'siwe' AND i.subject = $1 AND u.status = 'active'`, "eip155:"+address).
		Scan(&identityID, &u.ID, &u.DisplayName, &u.AvatarURL, &u.PrimaryEmail, &u.OnboardedAt, &u.Metadata, &u.CreatedAt)
	if err != nil {
		return out, err
	}
	now := time.Now().UTC()
	out.Outcome = "signed_in"
	out.Session = bareSession{
		ID: uuid.Must(uuid.NewV7()).String(), Methods: []string{"siwe"}, IP: ip, UserAgent: userAgent, Device: deviceOf(userAgent), Current: true, Kind: "browser",
		CreatedAt: now, AuthenticatedAt: now, LastSeenAt: now, IdleExpiresAt: now.Add(7 * 24 * time.Hour), ExpiresAt: now.Add(30 * 24 * time.Hour),
	}
	s, hash := out.Session, sha256.Sum256([]byte(token))
	if _, err := tx.Exec(ctx, `INSERT INTO sessions (id, user_id, identity_id, token_hash, methods, ip, user_agent,
	created_at, authenticated_at, last_seen_at, idle_expires_at, expires_at)
VALUES ($1, $2, $3, $4, 'siwe', $5, $6, $7, $7, $7, $8, $9)`,
		s.ID, u.ID, identityID, hash[:], ip, userAgent, now, s.IdleExpiresAt, s.ExpiresAt); err != nil {
		return out, err
	}
	return out, tx.Commit(ctx)
}
