package api

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/internal/ratelimit"
)

const codeRateLimited identity.Code = "rate_limited"

// Limits is how much the service does for whom.
type Limits struct {
	// Factor multiplies every quota. 0 turns limits off.
	Factor float64
	// Exempt are addresses that the limits by address leave out: backends that
	// speak for many people.
	Exempt []netip.Prefix
}

// policy is a limit by the name that clients see in the RateLimit headers.
type policy struct {
	name  string
	limit ratelimit.Limit
}

// byAddress are the limits of one client address, by what an operation says in
// `x-rate-limit`. They are counted before anything else is done, and are wide
// enough for an office behind one address. An operation that says nothing is a
// read or a write by its method; `none` is for what must cost next to nothing.
var byAddress = map[string]ratelimit.Limit{
	"challenge": {Quota: 120, Window: time.Minute},     // begins a sign-in; touches no table
	"proof":     {Quota: 60, Window: time.Minute},      // ends one: verifies and writes
	"mail":      {Quota: 30, Window: 10 * time.Minute}, // has mail sent to anybody
	"recovery":  {Quota: 10, Window: 10 * time.Minute}, // nobody has more codes than this
	"refresh":   {Quota: 120, Window: time.Minute},     // renews a token
	"read":      {Quota: 6000, Window: time.Minute},
	"write":     {Quota: 3000, Window: time.Minute},
}

// The limits of whom it is about. A key of theirs is charged only to who has
// proved to be it, so that nobody locks out somebody else; a mailbox is not
// somebody's, and is bothered alike whoever asks.
var (
	perIdentity = policy{"identity", ratelimit.Limit{Quota: 60, Window: 10 * time.Minute}} // proofs of one provider and subject
	perMailbox  = policy{"mailbox", ratelimit.Limit{Quota: 20, Window: time.Hour}}         // above what one is sent, see emailproof
	perUser     = policy{"user", ratelimit.Limit{Quota: 1200, Window: time.Minute}}
	perTeam     = policy{"team", ratelimit.Limit{Quota: 6000, Window: time.Minute}} // changes, of all members together
)

// ratePolicy reads which limit by address an operation has; nil is none.
func ratePolicy(method string, extension any) (*policy, error) {
	name := "write"
	if method == http.MethodGet {
		name = "read"
	}
	if extension != nil {
		var ok bool
		if name, ok = extension.(string); !ok {
			return nil, errors.New("x-rate-limit is no text")
		}
	}
	if name == "none" {
		return nil, nil
	}
	limit, ok := byAddress[name]
	if !ok {
		return nil, fmt.Errorf("x-rate-limit is %q, which is no limit", name)
	}
	return &policy{name, limit}, nil
}

// limitAddress counts the request against its client's address, before its body
// is read. An operation without a limit pays nothing for there being some.
func (s *Server) limitAddress(c *gin.Context) {
	info := callOf(c)
	p := info.operation.rate
	if p == nil || isTrusted(info.addr, s.Config.Limits.Exempt) {
		return
	}
	if err := s.take(c, *p, network(info.addr)); err != nil {
		s.fail(c, err)
	}
}

// limitUser counts the request against the user or the machine of a team, and a
// change against the team that it is in.
func (s *Server) limitUser(c *gin.Context) {
	info := callOf(c)
	if info.operation.rate == nil || s.Config.Limits.Factor == 0 {
		return
	}
	var who identity.ID
	switch {
	case info.principal != nil:
		who = info.principal.User.ID
	case info.key != nil && info.key.TeamID != nil:
		who = info.key.ID
	default:
		return
	}
	if err := s.take(c, perUser, who.String()); err != nil {
		s.fail(c, err)
		return
	}
	team, err := uuid.Parse(c.Param("team"))
	if err != nil || c.Request.Method == http.MethodGet {
		return
	}
	if _, err := s.Teams.Get(c.Request.Context(), s.actor(c), team); err != nil {
		return // he is told by who decides it; a stranger must not use up a team's quota
	}
	if err := s.take(c, perTeam, team.String()); err != nil {
		s.fail(c, err)
	}
}

// take counts the request in a bucket, tells in the headers of the answer what
// is left, and refuses it where nothing was.
func (s *Server) take(c *gin.Context, p policy, key string) error {
	if s.Config.Limits.Factor == 0 {
		return nil
	}
	info, limit := callOf(c), p.limit.Scaled(s.Config.Limits.Factor)
	r := s.Limiter.Take(c.Request.Context(), p.name+" "+key, limit)
	info.quotas.add(c, p.name, limit, r)
	if r.Allowed {
		return nil
	}
	s.Metrics.limited.WithLabelValues(p.name).Inc()
	err := identity.NewError(codeRateLimited, "too many requests; try again later")
	err.RetryAfter = max(r.RetryAfter, time.Second)
	return err
}

// quotas are the RateLimit fields of one answer, a member for each bucket that
// was asked (draft-ietf-httpapi-ratelimit-headers-10).
type quotas struct{ policies, states []byte }

func (q *quotas) add(c *gin.Context, name string, limit ratelimit.Limit, r ratelimit.Result) {
	member := func(b []byte, first string, n int, second string, d time.Duration) []byte {
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(append(append(b, '"'), name...), '"')
		b = strconv.AppendInt(append(b, first...), int64(n), 10)
		return strconv.AppendInt(append(b, second...), int64(math.Ceil(d.Seconds())), 10)
	}
	q.policies = member(q.policies, ";q=", limit.Quota, ";w=", limit.Window)
	q.states = member(q.states, ";r=", r.Remaining, ";t=", r.ResetAfter)
	c.Header("RateLimit-Policy", string(q.policies))
	c.Header("RateLimit", string(q.states))
}

// network is what counts as one client: an IPv4 address, or the /64 that is the
// least an IPv6 subscriber is given and may pick any address of.
func network(a netip.Addr) string {
	if !a.Is6() {
		return addrText(a)
	}
	p, _ := a.Prefix(64) // of an IPv6 address there is one
	return p.String()
}

// limitNames are the labels of the metric.
func limitNames() []string {
	names := []string{perIdentity.name, perMailbox.name, perUser.name, perTeam.name}
	for name := range byAddress {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
