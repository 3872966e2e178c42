package session

import (
	"crypto/rand"
	"encoding/json"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/team"
)

// person returns a principal as a store reads it: no part is shared with another.
func person(metadata string, inTeam bool) Principal {
	now := time.Now()
	address, via, in := strings.Clone("ada.lovelace@mail.example.com"), identity.NewID(), identity.NewID()
	p := Principal{
		Session: Session{
			ID: identity.NewID(), UserID: identity.NewID(), IdentityID: &via, TokenHash: make([]byte, 32),
			Methods: Methods{strings.Clone("google"), strings.Clone("siwe")}, IP: strings.Clone("2001:db8:1234:5678:9abc:def0:1234:5678"),
			UserAgent: strings.Clone("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"),
			CreatedAt: now, AuthenticatedAt: now, LastSeenAt: now, IdleExpiresAt: now, ExpiresAt: now,
		},
		User: identity.User{
			ID: identity.NewID(), DisplayName: strings.Clone("Augusta Ada King, Countess of Lovelace"), PrimaryEmail: &address,
			AvatarURL: strings.Clone("https://lh3.googleusercontent.com/a/ACg8ocKxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVxVx=s96-c"),
			Metadata:  identity.RawMetadata(strings.Clone(metadata)), Status: identity.StatusActive, CreatedAt: now, UpdatedAt: now,
		},
	}
	p.MadeBy = &MadeBy{ID: via, Provider: strings.Clone("siwe"), Wallet: &identity.Wallet{Address: strings.Clone("0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045")}}
	if inTeam {
		p.Session.TeamSessionID = &in
		p.Team = &ActiveTeamSession{ID: in, TeamID: identity.NewID(), Role: team.RoleMember, CreatedAt: now, Policy: team.Policy{
			RequiredProviders: []string{strings.Clone("google")}, AllowedNetworks: make([]netip.Prefix, 256),
		}}
	}
	_, _ = rand.Read(p.Session.TokenHash)
	return p
}

// answer is of the size of what GET /v1/session answers.
func answer(t *testing.T, p Principal) []byte {
	var metadata any = map[string]any{}
	if p.User.Metadata != "" {
		metadata = p.User.Metadata.Map()
	}
	texts := []any{p.User.DisplayName, p.User.PrimaryEmail, p.Session.IP, p.Session.UserAgent}
	if p.Team != nil {
		texts = append(texts, texts...)
	}
	b, err := json.Marshal(append(texts, p.User.AvatarURL, metadata))
	if err != nil {
		t.Fatal(err)
	}
	frame := 850 // names of fields, times, ids: see TestSessionAnswerIsWeighed in package api
	if p.Team != nil {
		frame += 600
	}
	return slices.Concat(b, make([]byte, frame))
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// Whatever sessions weigh, all of them stay within the memory that their number allows.
func TestCacheIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	const sessions = 100
	cache := NewCache(sessions)
	defer cache.Close()
	cache.Trust(time.Now(), time.Hour)
	for _, metadata := range []string{"", `{"a":"` + strings.Repeat("x", 16000) + `"}`} {
		for range 3 * sessions {
			p := person(metadata, false)
			cache.put(p.Session.TokenHash, p, cache.mark())
		}
		cache.entries.CleanUp()
		weight, n := 0, 0
		cache.Each(func(hash [32]byte, p Principal) {
			weight, n = weight+int(weigh(hash, remembered{Principal: p})), n+1
		})
		if n == 0 || weight > sessions*ordinaryWeight {
			t.Errorf("%d sessions with %d bytes of metadata weigh %d, more than %d", n, len(metadata), weight, sessions*ordinaryWeight)
		}
		if metadata == "" && n < sessions {
			t.Errorf("%d ordinary sessions are remembered, not %d", n, sessions)
		}
	}
}

// What a session is said to weigh is what it takes, or a little more.
func TestWeightIsMemory(t *testing.T) {
	for name, c := range map[string]struct {
		metadata string
		inTeam   bool
	}{
		"ordinary":        {"", false},
		"in a team":       {"", true},
		"some metadata":   {`{"plan":"pro","locale":"de","flags":["a","b"]}`, false},
		"many numbers":    {`{"a":[` + strings.Repeat("0,", 7999) + `0]}`, false},
		"much that grows": {`{"a":"` + strings.Repeat("<", 16000) + `"}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			const n = 500
			cache := NewCache(1 << 20)
			defer cache.Close()
			cache.Trust(time.Now(), time.Hour)
			before, weight := heap(), 0
			for range n {
				p := person(c.metadata, c.inTeam)
				cache.put(p.Session.TokenHash, p, cache.mark())
				weight += int(weigh([32]byte{}, remembered{Principal: p}))
				kept, ok := cache.get(p.Session.TokenHash)
				if !ok {
					t.Fatal("not remembered")
				}
				kept.Memo.Keep(answer(t, p))
			}
			cache.entries.CleanUp()
			took := heap() - before
			t.Logf("%d bytes each, weighed as %d", took/n, weight/n)
			if took > weight || weight > 2*took {
				t.Errorf("%d bytes each are weighed as %d", took/n, weight/n)
			}
			if name == "ordinary" && weight > n*ordinaryWeight {
				t.Errorf("an ordinary session weighs %d, more than %d", weight/n, ordinaryWeight)
			}
			runtime.KeepAlive(cache)
		})
	}
}
