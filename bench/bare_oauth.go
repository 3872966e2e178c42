package main

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// bareOAuth is what the authorization server by hand keeps in memory.
type bareOAuth struct {
	codes  cipher.AEAD
	access ed25519.PrivateKey
	id     *rsa.PrivateKey
}

func newBareOAuth() (o bareOAuth, err error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return o, err
	}
	if o.codes, err = cipher.NewGCM(block); err != nil {
		return o, err
	}
	if _, o.access, err = ed25519.GenerateKey(nil); err != nil {
		return o, err
	}
	o.id, err = rsa.GenerateKey(rand.Reader, 2048)
	return o, err
}

// bareCode is an authorization code, sealed, as Latchkey has it.
type bareCode struct {
	Session, User, Parent, Client, RedirectURI, Challenge string
	Scopes                                                string
	ExpiresAt                                             time.Time
}

// authorize is not measured: it only gives codes.
func (b *bareServer) authorize(c *gin.Context) {
	cookie, err := c.Cookie("latchkey")
	if err != nil {
		refuse(c, "unauthenticated")
		return
	}
	hash := sha256.Sum256([]byte(cookie))
	code := bareCode{
		Session: uuid.Must(uuid.NewV7()).String(), Client: c.Query("client_id"), RedirectURI: c.Query("redirect_uri"), Challenge: c.Query("code_challenge"),
		Scopes: c.Query("scope"), ExpiresAt: time.Now().Add(time.Minute),
	}
	if b.pool.QueryRow(c.Request.Context(), "SELECT id::text, user_id::text FROM sessions WHERE token_hash = $1 AND ended_at IS NULL", hash[:]).Scan(&code.Parent, &code.User) != nil {
		refuse(c, "unauthenticated")
		return
	}
	plain, err := json.Marshal(code)
	if err != nil {
		refuse(c, "internal")
		return
	}
	nonce := make([]byte, b.oauth.codes.NonceSize())
	_, _ = rand.Read(nonce)
	sealed := base64.RawURLEncoding.EncodeToString(b.oauth.codes.Seal(nonce, nonce, plain, nil))
	c.Redirect(http.StatusFound, code.RedirectURI+"?"+url.Values{"code": {sealed}}.Encode())
}

type bareOAuthTokens struct {
	AccessToken  string `json:"access_token"`
	ExpiresIn    int    `json:"expires_in"`
	IDToken      string `json:"id_token"`
	RefreshToken string `json:"refresh_token"`
	Scope        string `json:"scope"`
	TokenType    string `json:"token_type"`
}

// token is the token endpoint by hand.
func (b *bareServer) token(c *gin.Context) {
	ctx := c.Request.Context()
	if err := b.authenticate(ctx, c.PostForm("client_id"), c.PostForm("client_secret")); err != nil {
		refuse(c, "invalid_client")
		return
	}
	exchange := b.renew
	if c.PostForm("grant_type") == "authorization_code" {
		exchange = b.exchange
	}
	p, refresh, err := exchange(ctx, c)
	if err != nil {
		refuse(c, "invalid_grant")
		return
	}
	out, err := b.sign(ctx, p, c.PostForm("client_id"))
	if err != nil {
		refuse(c, "internal")
		return
	}
	out.RefreshToken = refresh
	c.Header("Cache-Control", "no-store")
	c.JSON(http.StatusOK, out)
}

var errBare = errors.New("refused")

func (b *bareServer) authenticate(ctx context.Context, id, secret string) error {
	var want []byte
	var name, redirects, grants, scopes string
	err := b.pool.QueryRow(ctx, "SELECT secret_hash, name, redirect_uris, grants, scopes FROM clients WHERE id = $1 AND deleted_at IS NULL", id).
		Scan(&want, &name, &redirects, &grants, &scopes)
	hash := sha256.Sum256([]byte(secret))
	if err != nil || subtle.ConstantTimeCompare(want, hash[:]) != 1 {
		return errBare
	}
	return nil
}

// barePrincipal is who the tokens are of.
type barePrincipal struct {
	Session, User, Methods, Scopes string
	AuthenticatedAt, ExpiresAt     time.Time
}

const barePrincipalRead = `SELECT s.id::text, s.methods, s.scopes, s.authenticated_at, s.expires_at, u.id::text, u.display_name, u.primary_email, u.status, i.provider, i.subject
FROM sessions s
JOIN users u ON u.id = s.user_id
LEFT JOIN identities i ON i.id = s.identity_id
LEFT JOIN sessions parent ON parent.id = s.parent_id
WHERE s.id = $1 AND s.ended_at IS NULL AND parent.ended_at IS NULL`

func readBarePrincipal(ctx context.Context, tx pgx.Tx, session string) (p barePrincipal, err error) {
	var name, status string
	var email, provider, subject *string
	err = tx.QueryRow(ctx, barePrincipalRead, session).
		Scan(&p.Session, &p.Methods, &p.Scopes, &p.AuthenticatedAt, &p.ExpiresAt, &p.User, &name, &email, &status, &provider, &subject)
	if err == nil && (status != "active" || !time.Now().Before(p.ExpiresAt)) {
		err = errBare
	}
	return p, err
}

// exchange is one transaction, of the same statements as Latchkey's.
func (b *bareServer) exchange(ctx context.Context, c *gin.Context) (p barePrincipal, refresh string, err error) {
	var code bareCode
	sealed, err := base64.RawURLEncoding.DecodeString(c.PostForm("code"))
	n := b.oauth.codes.NonceSize()
	if err != nil || len(sealed) < n {
		return p, "", errBare
	}
	plain, err := b.oauth.codes.Open(nil, sealed[:n], sealed[n:], nil)
	if err != nil || json.Unmarshal(plain, &code) != nil {
		return p, "", errBare
	}
	sum := sha256.Sum256([]byte(c.PostForm("code_verifier")))
	if base64.RawURLEncoding.EncodeToString(sum[:]) != code.Challenge || code.Client != c.PostForm("client_id") || code.RedirectURI != c.PostForm("redirect_uri") || time.Now().After(code.ExpiresAt) {
		return p, "", errBare
	}
	tx, err := b.pool.Begin(ctx)
	if err != nil {
		return p, "", err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	var status, used, scopes string
	if err := tx.QueryRow(ctx, "SELECT status FROM users WHERE id = $1 FOR UPDATE", code.User).Scan(&status); err != nil || status != "active" {
		return p, "", errBare
	}
	if err := tx.QueryRow(ctx, "SELECT id::text FROM sessions WHERE id = $1 FOR UPDATE", code.Session).Scan(&used); !errors.Is(err, pgx.ErrNoRows) {
		return p, "", errBare
	}
	var trusted bool
	if err := tx.QueryRow(ctx, "SELECT scopes, trusted FROM clients WHERE id = $1 AND deleted_at IS NULL FOR SHARE", code.Client).Scan(&scopes, &trusted); err != nil || !trusted {
		return p, "", errBare
	}
	var identity *string
	var methods, proven string
	var authenticated, created, expires time.Time
	var ended *time.Time
	err = tx.QueryRow(ctx, `SELECT identity_id::text, methods, proven_by, authenticated_at, created_at, expires_at, ended_at
FROM sessions WHERE id = $1 AND user_id = $2 FOR UPDATE`, code.Parent, code.User).Scan(&identity, &methods, &proven, &authenticated, &created, &expires, &ended)
	if err != nil || ended != nil {
		return p, "", errBare
	}
	now := time.Now().UTC()
	var secret, seed [32]byte
	_, _ = rand.Read(secret[:])
	_, _ = rand.Read(seed[:])
	hash := sha256.Sum256(secret[:])
	userAgent := c.Request.UserAgent()
	if _, err := tx.Exec(ctx, `INSERT INTO sessions (id, user_id, identity_id, token_hash, methods, proven_by, ip, user_agent, device, created_at, authenticated_at,
	last_seen_at, idle_expires_at, expires_at, kind, client_id, parent_id, scopes, signed_in_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $12, $13, 'application', $14, $15, $16, $17)`,
		code.Session, code.User, identity, hash[:], methods, proven, c.ClientIP(), userAgent, deviceOf(userAgent), now, authenticated, now.Add(7*24*time.Hour), expires,
		code.Client, code.Parent, code.Scopes, created); err != nil {
		return p, "", err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO audit_events (id, at, action, actor_id, user_id, session_id, ip, user_agent, data)
VALUES ($1, $2, 'application.signed_in', $3, $3, $4, $5, $6, $7)`, uuid.Must(uuid.NewV7()).String(), now, code.User, code.Parent, c.ClientIP(), userAgent,
		map[string]any{"client_id": code.Client, "application_session_id": code.Session, "scopes": code.Scopes}); err != nil {
		return p, "", err
	}
	if p, err = readBarePrincipal(ctx, tx, code.Session); err != nil {
		return p, "", err
	}
	family := uuid.Must(uuid.NewV7()).String()
	if _, err := tx.Exec(ctx, `INSERT INTO refresh_families (id, session_id, user_id, client_id, seed, generation, created_at, rotated_at, key_id)
VALUES ($1, $2, $3, $4, $5, 1, $6, $6, 'bare')`, family, code.Session, code.User, code.Client, seed[:], now); err != nil {
		return p, "", err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO client_subjects (client_id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", code.Client, code.User, now); err != nil {
		return p, "", err
	}
	return p, bareRefreshToken(family, 1, seed[:]), tx.Commit(ctx)
}

func bareRefreshToken(family string, generation int, seed []byte) string {
	mac := hmac.New(sha256.New, seed)
	_, _ = mac.Write(strconv.AppendInt(nil, int64(generation), 10))
	return family + "." + strconv.Itoa(generation) + "." + hex.EncodeToString(mac.Sum(nil))
}

// renew is one transaction: the family, locked, who it is of, and its next generation.
func (b *bareServer) renew(ctx context.Context, c *gin.Context) (p barePrincipal, next string, err error) {
	raw := c.PostForm("refresh_token")
	family, _, _ := strings.Cut(raw, ".")
	tx, err := b.pool.Begin(ctx)
	if err != nil {
		return p, "", err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	var session, client string
	var seed []byte
	var generation int
	var ended *time.Time
	if err := tx.QueryRow(ctx, "SELECT session_id::text, client_id, seed, generation, ended_at FROM refresh_families WHERE id = $1 FOR UPDATE", family).
		Scan(&session, &client, &seed, &generation, &ended); err != nil {
		return p, "", err
	}
	if ended != nil || client != c.PostForm("client_id") || subtle.ConstantTimeCompare([]byte(raw), []byte(bareRefreshToken(family, generation, seed))) != 1 {
		return p, "", errBare
	}
	if p, err = readBarePrincipal(ctx, tx, session); err != nil {
		return p, "", err
	}
	if _, err := tx.Exec(ctx, "UPDATE refresh_families SET generation = $2, rotated_at = $3 WHERE id = $1", family, generation+1, time.Now()); err != nil {
		return p, "", err
	}
	return p, bareRefreshToken(family, generation+1, seed), tx.Commit(ctx)
}

// sign signs both tokens. An ID token names the former ids of merged users.
func (b *bareServer) sign(ctx context.Context, p barePrincipal, client string) (out bareOAuthTokens, err error) {
	rows, err := b.pool.Query(ctx, `WITH RECURSIVE former (id) AS (
	SELECT u.id FROM users AS u WHERE u.merged_into = $1
	UNION ALL
	SELECT u.id FROM users AS u JOIN former AS f ON u.merged_into = f.id
) SELECT f.id::text FROM former AS f JOIN client_subjects AS cs ON cs.user_id = f.id AND cs.client_id = $2 ORDER BY f.id`, p.User, client)
	if err != nil {
		return out, err
	}
	former, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return out, err
	}
	now := time.Now()
	claims := jwt.MapClaims{
		"iss": b.origin, "aud": b.origin, "sub": p.User, "sid": p.Session, "client_id": client, "scope": p.Scopes, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(), "auth_time": p.AuthenticatedAt.Unix(), "amr": strings.Fields(p.Methods),
	}
	if out.AccessToken, err = signed(jwt.SigningMethodEdDSA, "at+jwt", claims, b.oauth.access); err != nil {
		return out, err
	}
	hash := sha256.Sum256([]byte(out.AccessToken))
	claims["aud"], claims["azp"], claims["at_hash"] = client, client, base64.RawURLEncoding.EncodeToString(hash[:16])
	if len(former) > 0 {
		claims["former_subs"] = former
	}
	out.IDToken, err = signed(jwt.SigningMethodRS256, "JWT", claims, b.oauth.id)
	out.TokenType, out.ExpiresIn, out.Scope = "Bearer", 300, p.Scopes
	return out, err
}

func signed(by jwt.SigningMethod, typ string, claims jwt.MapClaims, key crypto.Signer) (string, error) {
	t := jwt.NewWithClaims(by, claims)
	t.Header["typ"], t.Header["kid"] = typ, "bare"
	return t.SignedString(key)
}
