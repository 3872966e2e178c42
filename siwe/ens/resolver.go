package ens

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/lru"
)

// retryAfter is for how long a failed endpoint is asked last, and a failed lookup
// is not repeated.
const retryAfter = 30 * time.Second

// Profile is the name and the avatar of an account. Both are empty if it has none.
type Profile struct {
	Name      string // ASCII, at most 255 bytes
	AvatarURL string // https, at most 1024 bytes; never fetched here
}

// Options bounds what names may cost. Zero means the default.
type Options struct {
	Timeout          time.Duration // of one lookup, over all endpoints; 15 seconds
	AttemptTimeout   time.Duration // of one endpoint's attempt at it; 5 seconds
	Gas              uint64        // of one eth_call; 500,000
	MaxResponseBytes int64         // of one RPC response, decompressed; 64 KiB

	TTL         time.Duration // of a name; 1 hour
	NegativeTTL time.Duration // of there being none; 10 minutes
	MaxEntries  int           // accounts remembered; 10,000
	MaxQueue    int           // accounts waiting to be looked up; 256
	Workers     int           // lookups at a time; 2

	Transport http.RoundTripper // http.DefaultTransport
	Now       func() time.Time  // time.Now
	OnError   func(error)       // gets the errors of background lookups, safe to log
}

func (o Options) withDefaults() Options {
	o.Timeout = positive(o.Timeout, 15*time.Second)
	o.AttemptTimeout = positive(o.AttemptTimeout, 5*time.Second)
	// A record is read for 2,100 a word: room for the longest URL, three times.
	o.Gas = cmp.Or(o.Gas, 500_000)
	o.MaxResponseBytes = positive(o.MaxResponseBytes, 64<<10)
	o.TTL = positive(o.TTL, time.Hour)
	o.NegativeTTL = positive(o.NegativeTTL, 10*time.Minute)
	o.MaxEntries = positive(o.MaxEntries, 10_000)
	o.MaxQueue = positive(o.MaxQueue, 256)
	o.Workers = positive(o.Workers, 2)
	if o.Transport == nil {
		o.Transport = http.DefaultTransport
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	return o
}

func positive[T int | int64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Resolver looks names up and remembers them. It is safe for concurrent use.
type Resolver struct {
	endpoints []*endpoint
	opts      Options

	queue   chan common.Address
	ctx     context.Context // of the workers
	stop    context.CancelFunc
	workers sync.WaitGroup

	mu      sync.Mutex // of the following; never held while waiting
	cache   lru.BasicLRU[common.Address, entry]
	pending map[common.Address]struct{} // queued or being looked up
}

// entry is the remembered profile of an account.
type entry struct {
	profile Profile
	refresh time.Time // when to look it up again
	expires time.Time // when to stop showing it; zero if it was never found
}

// New returns a resolver that asks JSON-RPC endpoints of Ethereum mainnet, given
// by their HTTP(S) URLs in order of preference. It does not connect yet. Without
// endpoints there are no names. Errors never have a URL, which usually has a key.
func New(rpcURLs []string, opts Options) (*Resolver, error) {
	opts = opts.withDefaults()
	r := &Resolver{
		opts:    opts,
		queue:   make(chan common.Address, opts.MaxQueue),
		cache:   lru.NewBasicLRU[common.Address, entry](opts.MaxEntries),
		pending: map[common.Address]struct{}{},
	}
	client := &http.Client{
		Transport: boundedTransport{base: opts.Transport, max: opts.MaxResponseBytes},
		// Redirects are not followed: an endpoint must not choose other hosts.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for i, raw := range rpcURLs {
		e, err := dial(raw, client, opts.Gas)
		if err != nil {
			return nil, fmt.Errorf("ens: RPC endpoint %d %w", i+1, err)
		}
		r.endpoints = append(r.endpoints, e)
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	if !r.isEmpty() {
		for range opts.Workers {
			r.workers.Go(r.work)
		}
	}
	return r, nil
}

func (r *Resolver) isEmpty() bool { return r == nil || len(r.endpoints) == 0 }

// Cached returns the remembered profile of an account, and reports whether there
// is one. It never waits. A profile that is missing or old is looked up in the
// background; if the queue is full, a later call does it.
//
// An old profile is still returned meanwhile, but never for longer than its time
// to live once more.
func (r *Resolver) Cached(address common.Address) (Profile, bool) {
	if r.isEmpty() {
		return Profile{}, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.opts.Now()
	e, _ := r.cache.Get(address)
	if !now.Before(e.refresh) {
		r.schedule(address)
	}
	if !now.Before(e.expires) {
		return Profile{}, false
	}
	return e.profile, true
}

// schedule is called with the lock held.
func (r *Resolver) schedule(address common.Address) {
	if _, ok := r.pending[address]; ok || r.ctx.Err() != nil {
		return
	}
	select {
	case r.queue <- address:
		r.pending[address] = struct{}{}
	default:
	}
}

func (r *Resolver) work() {
	for {
		select {
		case <-r.ctx.Done():
			return
		case address := <-r.queue:
			p, err := r.Lookup(r.ctx, address)
			if r.ctx.Err() != nil {
				return
			}
			r.remember(address, p, err)
			if err != nil {
				r.opts.OnError(err)
			}
		}
	}
}

func (r *Resolver) remember(address common.Address, p Profile, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pending, address)
	now := r.opts.Now()
	if err != nil {
		// What is remembered stays. The pause prevents constant lookups of an
		// account that is shown often while no endpoint answers.
		e, _ := r.cache.Peek(address)
		e.refresh = now.Add(retryAfter)
		r.cache.Add(address, e)
		return
	}
	ttl := r.opts.TTL
	if p.Name == "" {
		ttl = r.opts.NegativeTTL
	}
	r.cache.Add(address, entry{profile: p, refresh: now.Add(ttl), expires: now.Add(2 * ttl)})
}

// Close stops the background lookups and waits for them. Cached still returns
// what is remembered.
func (r *Resolver) Close() {
	if r == nil {
		return
	}
	r.stop()
	r.workers.Wait()
}
