package latchkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// refreshAfter is the age at which keys are fetched again. A key that Latchkey
	// has removed, because it leaked, is accepted no longer than this.
	refreshAfter = time.Minute

	// keepFor is how long keys serve while Latchkey does not answer: as long as its
	// answer may be cached (max-age=300).
	keepFor = 5 * time.Minute

	// cooldown is between two fetches, whatever tokens arrive: any number of forged
	// key ids costs one.
	cooldown = 30 * time.Second

	// retryAfter is cooldown after a fetch that failed.
	retryAfter = 2 * time.Second

	// patience is how long a request that could go on with the keys at hand waits for
	// newer ones.
	patience = time.Second

	maxKeysSize = 1 << 20
)

// algorithms are those of Latchkey's access tokens, see LATCHKEY_TOKEN_ALG.
var algorithms = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256}

// keySet is the public keys of Latchkey. It fetches them when they are asked for, one
// fetch at a time.
type keySet struct {
	url    string
	client *http.Client
	now    func() time.Time

	mu       sync.Mutex
	keys     map[string]jose.JSONWebKey // by key id, nil before the first fetch
	fetched  time.Time                  // when keys were fetched
	tried    time.Time                  // when the latest attempt ended
	failure  error                      // of the latest attempt
	fetching chan struct{}              // closed at its end; nil if none is under way
}

// find returns the key with an id. found is false if Latchkey has none. The error is
// ErrUnavailable: then nothing can be said about the token.
func (s *keySet) find(ctx context.Context, id string) (key jose.JSONWebKey, found bool, err error) {
	for waited := false; ; waited = true {
		s.mu.Lock()
		now := s.now()
		key, found = s.keys[id]
		usable := s.keys != nil && now.Sub(s.fetched) < keepFor
		if found && usable && (waited || now.Sub(s.fetched) < refreshAfter) {
			s.mu.Unlock()
			return key, true, nil
		}
		if s.fetching == nil && (waited || s.cooling(now)) {
			failure := s.failure
			s.mu.Unlock()
			switch {
			case found && usable:
				return key, true, nil
			case usable && failure == nil:
				return key, false, nil
			case failure == nil:
				failure = errors.New("the keys are too old")
			}
			return key, false, unavailable("the keys of Latchkey: %w", failure)
		}
		if s.fetching == nil {
			s.fetching = make(chan struct{})
			// The fetch is everyone's: it does not end with this request.
			go s.fetch(context.WithoutCancel(ctx), s.fetching)
		}
		done, failing := s.fetching, s.failure != nil
		s.mu.Unlock()
		if found && usable && failing { // the fetch goes on for later requests
			return key, true, nil
		}

		var late <-chan time.Time
		if found && usable {
			timer := time.NewTimer(patience)
			defer timer.Stop()
			late = timer.C
		}
		select {
		case <-done:
		case <-late:
			return key, true, nil
		case <-ctx.Done():
			return key, false, unavailable("waiting for the keys of Latchkey: %w", ctx.Err())
		}
	}
}

// cooling reports whether it is too early for another fetch.
func (s *keySet) cooling(now time.Time) bool {
	pause := cooldown
	if s.failure != nil {
		pause = retryAfter
	}
	return !s.tried.IsZero() && now.Sub(s.tried) < pause
}

func (s *keySet) fetch(ctx context.Context, done chan struct{}) {
	keys, err := s.get(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried, s.failure = s.now(), err
	if err == nil {
		s.keys, s.fetched = keys, s.tried
	}
	s.fetching = nil
	close(done)
}

func (s *keySet) get(ctx context.Context) (map[string]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", s.url, res.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxKeysSize)).Decode(&set); err != nil {
		return nil, fmt.Errorf("%s answered no key set: %w", s.url, err)
	}
	keys := make(map[string]jose.JSONWebKey, len(set.Keys))
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		// A key of an unknown kind is skipped.
		if json.Unmarshal(raw, &key) == nil && usable(key) {
			keys[key.KeyID] = key
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no key for access tokens", s.url)
	}
	return keys, nil
}

// usable reports whether a key is one that access tokens are signed by.
func usable(key jose.JSONWebKey) bool {
	for _, a := range algorithms {
		if key.Algorithm == string(a) {
			return key.KeyID != "" && key.IsPublic() && key.Valid() && (key.Use == "" || key.Use == "sig")
		}
	}
	return false
}
