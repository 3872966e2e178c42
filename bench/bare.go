package main

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/mileusna/useragent"
)

// bareCommand starts this program as the server that Latchkey is measured
// against: Gin and pgx, and nothing that the answer does not need. No logging,
// metrics, validation, limits, audit trail or second engine.
const bareCommand = "bare-handler"

// bareServer answers for the same rows as Latchkey. Only its nonces are its own.
type bareServer struct {
	pool   *pgxpool.Pool
	lite   *sql.Stmt // bareSessionRead on SQLite, instead of pool
	known  sync.Map  // cookie -> bareCurrent
	origin string
	domain string
	oauth  bareOAuth
}

func serveBare() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	s := &bareServer{}
	databaseURL := os.Getenv("BENCH_DATABASE_URL")
	if file, ok := strings.CutPrefix(databaseURL, "sqlite://"); ok {
		if err := s.openLite(ctx, file); err != nil {
			return err
		}
	} else {
		config, err := pgxpool.ParseConfig(databaseURL)
		if err != nil {
			return err
		}
		config.MaxConns = 20 // as Latchkey
		if s.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
			return err
		}
		defer s.pool.Close()
		if _, err := s.pool.Exec(ctx, bareNonces); err != nil {
			return err
		}
	}
	address := os.Getenv("BENCH_LISTEN")
	s.domain, s.origin = address, "http://"+address
	var err error
	if s.oauth, err = newBareOAuth(); err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/readyz", func(c *gin.Context) { c.String(http.StatusOK, "ok") })
	engine.GET(sessionPath, s.session)
	engine.GET(rememberedPath, s.remembered)
	engine.POST(challengePath, s.challenge)
	engine.POST(verifyPath, s.verify)
	engine.POST(refreshPath, s.refresh)
	engine.GET(authorizePath, s.authorize)
	engine.POST(tokenPath, s.token)
	server := &http.Server{Addr: address, Handler: engine, ReadHeaderTimeout: 5 * time.Second}
	go func() { <-ctx.Done(); _ = server.Close() }()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// The answers, field by field as Latchkey gives them.
type (
	bareUser struct {
		AvatarURL    string         `json:"avatar_url"`
		CreatedAt    time.Time      `json:"created_at"`
		DisplayName  string         `json:"display_name"`
		ID           string         `json:"id"`
		Metadata     map[string]any `json:"metadata"`
		OnboardedAt  *time.Time     `json:"onboarded_at"`
		PrimaryEmail *string        `json:"primary_email"`
	}
	bareSession struct {
		AuthenticatedAt time.Time `json:"authenticated_at"`
		CreatedAt       time.Time `json:"created_at"`
		Current         bool      `json:"current"`
		Device          string    `json:"device"`
		ExpiresAt       time.Time `json:"expires_at"`
		ID              string    `json:"id"`
		IdleExpiresAt   time.Time `json:"idle_expires_at"`
		IP              string    `json:"ip"`
		Kind            string    `json:"kind"`
		LastSeenAt      time.Time `json:"last_seen_at"`
		Methods         []string  `json:"methods"`
		UserAgent       string    `json:"user_agent"`
	}
	bareTeamSession struct {
		bareSession
		Role   *string `json:"role"`
		Status string  `json:"status"`
		TeamID string  `json:"team_id"`
		User   bareWho `json:"user"`
	}
	bareWho struct {
		DisplayName  string  `json:"display_name"`
		ID           string  `json:"id"`
		PrimaryEmail *string `json:"primary_email"`
	}
	bareIdentity struct {
		ID       string      `json:"id"`
		Provider string      `json:"provider"`
		Wallet   *bareWallet `json:"wallet,omitempty"`
	}
	bareWallet struct {
		Address string `json:"address"`
		ChainID int64  `json:"chain_id"`
		Kind    string `json:"kind"`
	}
	bareCurrent struct {
		Identity    *bareIdentity    `json:"identity,omitempty"`
		Session     bareSession      `json:"session"`
		TeamSession *bareTeamSession `json:"team_session,omitempty"`
		User        bareUser         `json:"user"`
	}
	bareResult struct {
		Outcome string      `json:"outcome"`
		Session bareSession `json:"session"`
		User    bareUser    `json:"user"`
	}
	bareRefusal struct {
		Code string `json:"code"`
	}
)

func refuse(c *gin.Context, code string) { c.JSON(http.StatusUnauthorized, bareRefusal{code}) }

func deviceOf(userAgent string) string {
	ua := useragent.Parse(userAgent)
	return ua.Name + " on " + ua.OS
}
