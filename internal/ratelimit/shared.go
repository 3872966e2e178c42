package ratelimit

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

const (
	// defaultWait is the longest that a request waits for Redis, unless the URL
	// has a read_timeout.
	defaultWait = 75 * time.Millisecond
	// retryEvery is how often Redis is asked whether it is back, while no request
	// asks it.
	retryEvery = time.Second
)

// Shared counts in Redis, together with the other replicas. While Redis does not
// answer in time it counts in memory, from where the last answer left it: one
// request finds out, and from then on none waits until Redis is back.
type Shared struct {
	local  *Memory
	client *redis.Client
	wait   time.Duration // the longest that a request waits for Redis
	redis  *redis_rate.Limiter
	keys   [][]byte
	log    *slog.Logger
	down   atomic.Bool
	ctx    context.Context //nolint:containedctx // ends the search for a lost Redis, not a request
}

// NewShared returns a limiter that counts in Redis until ctx ends. The keys keep
// addresses of people out of Redis. A request is counted under each, and has to be
// allowed under each, so that replicas share their limits while they have one key in
// common. A Redis that is not there is no error.
func NewShared(ctx context.Context, redisURL string, keys [][]byte, local *Memory, log *slog.Logger) (*Shared, error) {
	client, err := newClient(redisURL)
	if err != nil {
		return nil, err
	}
	s := &Shared{local: local, client: client, wait: client.Options().ReadTimeout, redis: redis_rate.NewLimiter(client), keys: keys, log: log, ctx: ctx}
	context.AfterFunc(ctx, func() { _ = client.Close() })
	if err := s.probe(ctx); err != nil {
		s.lost(err)
	}
	return s, nil
}

// Take implements Limiter.
func (s *Shared) Take(ctx context.Context, key string, limit Limit) Result {
	if s.down.Load() {
		return s.local.Take(ctx, key, limit)
	}
	// What memory refuses Redis would too, as others can only have added to what
	// it answered last: a flood stops here.
	if r := s.local.peek(key, limit); !r.Allowed {
		return r
	}
	r, err := s.ask(ctx, key, limit)
	if err != nil {
		s.lost(err)
		return s.local.Take(ctx, key, limit)
	}
	s.local.learn(key, r.ResetAfter)
	return r
}

// Return implements Limiter. What Redis counted it gets back, and so does
// memory, which has learned it; where Redis is lost meanwhile only memory does.
// A bucket that would be full again keeps one request in Redis until that has
// come back by itself: the script does not write a time that has passed.
func (s *Shared) Return(ctx context.Context, key string, limit Limit) {
	s.local.Return(ctx, key, limit)
	if s.down.Load() {
		return
	}
	if err := s.giveBack(ctx, s.keys, key, limit); err != nil {
		s.lost(err)
	}
}

// ask takes from the buckets in Redis, one for each key, or from none where one of
// them refuses.
func (s *Shared) ask(ctx context.Context, key string, limit Limit) (Result, error) {
	var strictest Result
	for i, under := range s.keys {
		r, err := s.count(ctx, hidden(under, key), limit, 1)
		switch {
		case err != nil:
			return Result{}, err
		case !r.Allowed:
			return r, s.giveBack(ctx, s.keys[:i], key, limit)
		case i == 0:
			strictest = r
		default:
			strictest.Remaining = min(strictest.Remaining, r.Remaining)
			strictest.ResetAfter = max(strictest.ResetAfter, r.ResetAfter)
		}
	}
	return strictest, nil
}

func (s *Shared) giveBack(ctx context.Context, keys [][]byte, key string, limit Limit) error {
	for _, under := range keys {
		if _, err := s.count(ctx, hidden(under, key), limit, -1); err != nil {
			return err
		}
	}
	return nil
}

// count takes n from a bucket in Redis. That the client has gone is no fault of
// Redis, so its context does not count.
func (s *Shared) count(ctx context.Context, bucket string, limit Limit, n int) (Result, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.wait)
	defer cancel()
	r, err := s.redis.AllowN(ctx, bucket, redis_rate.Limit{Rate: limit.Quota, Burst: limit.Quota, Period: limit.Window}, n)
	if err != nil {
		return Result{}, err
	}
	return Result{Allowed: r.Allowed > 0, Remaining: r.Remaining, RetryAfter: max(0, r.RetryAfter), ResetAfter: r.ResetAfter}, nil
}

func hidden(under []byte, key string) string {
	mac := hmac.New(sha256.New, under)
	mac.Write([]byte(key))
	return "latchkey:" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// probe does what Take needs, writing included: a replica that only reads is not
// back.
func (s *Shared) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	_, err := s.redis.Allow(ctx, hidden(s.keys[0], "probe"), redis_rate.PerSecond(1000))
	return err
}

// lost has everything counted in memory until Redis is back.
func (s *Shared) lost(cause error) {
	if s.ctx.Err() != nil || !s.down.CompareAndSwap(false, true) {
		return
	}
	s.log.Warn("Redis does not answer: each replica limits on its own", "error", cause)
	go s.search()
}

func (s *Shared) search() {
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		if s.probe(s.ctx) == nil {
			s.down.Store(false)
			s.log.Info("Redis is back: replicas share their limits")
			return
		}
	}
}
