package ratelimit

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// CheckURL reports whether a URL is one that Redis can be reached by. The error
// repeats nothing of it, for the password.
func CheckURL(redisURL string) error {
	_, err := clientOptions(redisURL)
	return err
}

func clientOptions(redisURL string) (*redis.Options, error) {
	o, err := redis.ParseURL(redisURL)
	if err != nil {
		return nil, errors.New("is not of the form redis://USER:PASSWORD@HOST:PORT/DATABASE, the database being a number")
	}
	// Our deadline is the only one, and a call that exceeds it is not repeated.
	o.ContextTimeoutEnabled = true
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = defaultWait
	}
	o.MaxRetries = -1
	o.DialerRetries = 1
	o.DialTimeout = dialTimeout
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o, nil
}

func newClient(redisURL string) (*redis.Client, error) {
	o, err := clientOptions(redisURL)
	if err != nil {
		return nil, err
	}
	logging.Disable() // it would write to standard error on its own; errors come back to us
	return redis.NewClient(o), nil
}

// dialTimeout bounds a dial after its request has stopped waiting.
const dialTimeout = time.Second

// Ping reports whether Redis answers and runs scripts, which is what counting
// there takes. It changes nothing.
func Ping(ctx context.Context, redisURL string) error {
	client, err := newClient(redisURL)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return client.Eval(ctx, "return 1", nil).Err()
}
