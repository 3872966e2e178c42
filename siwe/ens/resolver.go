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

// retryAfter is how long what has failed is left alone, if there is a choice.
const retryAfter = 30 * time.Second

// Profile is what an account shows of itself. Both are empty if it has nothing.
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
	OnError   func(error)       // told of lookups in the background that failed; fit to be logged
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

// entry is what is remembered of an account.
type entry struct {
	profile Profile
	refresh time.Time // from when on it is to be looked up again
	expires time.Time // from when on it is not to be shown; zero if never found out
}

// New takes the HTTP(S) URLs of JSON-RPC endpoints of Ethereum mainnet, in the
// order of preference, and connects to none of them yet. Without any there are
// no names. Errors never hold a URL, which usually has a key in it.
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
		// An endpoint has no business sending us elsewhere.
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

// Cached returns what is known of an account, and whether anything is, without
// waiting for anything. What is unknown or has become old is looked up in the
// background; if too much is waiting for that already, a later call will do it.
//
// What has become old is still returned while that is going on, but never for
// longer than once more its time to live.
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
		// What was known stays so. The pause keeps an account that is looked at
		// often from being asked for all the time while no endpoint answers.
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

// Close ends the lookups in the background and waits until they have. Cached
// still returns what is known.
func (r *Resolver) Close() {
	if r == nil {
		return
	}
	r.stop()
	r.workers.Wait()
}
