package api

import (
	"context"
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
	"recovery":  {Quota: 10, Window: 10 * time.Minute}, // a user has no more codes than this
	"authorize": {Quota: 600, Window: time.Minute},     // a request of an application; changes nothing
	"device":    {Quota: 60, Window: time.Minute},      // notes a request that a person has to decide about
	"register":  {Quota: 20, Window: 10 * time.Minute}, // names an application, and keeps nothing
	"token":     {Quota: 1200, Window: time.Minute},    // a server that asks for everybody it knows
	"refresh":   {Quota: 120, Window: time.Minute},     // renews a token
	"read":      {Quota: 6000, Window: time.Minute},
	"write":     {Quota: 3000, Window: time.Minute},
}

// The limits by identity, user and team. Only requests that proved to be theirs are
// charged, so that a person cannot lock out another.
var (
	perIdentity = policy{"identity", ratelimit.Limit{Quota: 60, Window: 10 * time.Minute}} // proofs of one provider and subject
	perUser     = policy{"user", ratelimit.Limit{Quota: 1200, Window: time.Minute}}
	perTeam     = policy{"team", ratelimit.Limit{Quota: 6000, Window: time.Minute}}   // changes, of all members together
	perDocument = policy{"document", ratelimit.Limit{Quota: 30, Window: time.Minute}} // documents of clients that a user has fetched
)

// byName are all limits but those by address.
var byName = []policy{
	perIdentity, perUser, perTeam, perDocument, perDeviceUser, perDeviceNetwork,
	perMailKnown, perMailBrowser, perMailCrowd, perGuessKnown, perGuessBrowser, perGuessNetwork, perGuessAll,
}

// ratePolicy reads which limit by address an operation has; nil is none.
func ratePolicy(method string, extension any) (*policy, error) {
	name := "write"
	if method == http.MethodGet {
		name = "read"
	}
	if extension != nil {
		var ok bool
		if name, ok = extension.(string); !ok {
			return nil, errors.New("x-rate-limit is not a string")
		}
	}
	if name == "none" {
		return nil, nil
	}
	limit, ok := byAddress[name]
	if !ok {
		return nil, fmt.Errorf("x-rate-limit is %q, which is not a limit", name)
	}
	return &policy{name, limit}, nil
}

// limitAddress counts the request against its client's address, before its body
// is read. An operation without a limit pays nothing for there being some.
func (s *Server) limitAddress(c *gin.Context) {
	info := requestInfoOf(c)
	p := info.operation.rate
	if p == nil || s.isExempt(c) {
		return
	}
	err := s.consumeLimit(c, *p, network(info.addr))
	if err == nil {
		return
	}
	if info.operation.route.Operation.OperationID == mailOperation && s.Email != nil && !s.knownBrowser(c).Empty() {
		info.overLimit = err // limitMail decides, once it knows the address
		return
	}
	s.fail(c, err)
}

// mailOperation is what a browser that is known to the address may call past the
// limit of its network, which its neighbours may have used up.
const mailOperation = "startEmail"

// isExempt reports whether the limits by address leave the client out.
func (s *Server) isExempt(c *gin.Context) bool {
	return isTrusted(requestInfoOf(c).addr, s.Config.Limits.Exempt)
}

// limitUser counts the request against the user or the machine of a team, and a
// change against the team that it is in.
func (s *Server) limitUser(c *gin.Context) {
	info := requestInfoOf(c)
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
	if err := s.consumeLimit(c, perUser, who.String()); err != nil {
		s.fail(c, err)
		return
	}
	team, err := uuid.Parse(c.Param("team"))
	if err != nil || c.Request.Method == http.MethodGet {
		return
	}
	if _, err := s.Teams.Get(c.Request.Context(), s.actor(c), team); err != nil {
		return // the handler refuses it; a stranger must not use up a team's quota
	}
	if err := s.consumeLimit(c, perTeam, team.String()); err != nil {
		s.fail(c, err)
	}
}

// consumeLimit counts the request in a bucket, tells in the headers of the answer what
// is left, and refuses it where nothing was.
func (s *Server) consumeLimit(c *gin.Context, p policy, key string) error {
	if s.Config.Limits.Factor == 0 {
		return nil
	}
	limit := p.limit.Scaled(s.Config.Limits.Factor)
	r := s.Limiter.Take(c.Request.Context(), p.bucket(key), limit)
	requestInfoOf(c).quotas.add(c, p.name, limit, r)
	if r.Allowed {
		return nil
	}
	s.Metrics.RateLimited(p.name)
	return errRateLimited(r)
}

func errRateLimited(r ratelimit.Result) error {
	err := identity.NewError(codeRateLimited, "too many requests; try again later")
	err.RetryAfter = max(r.RetryAfter, time.Second)
	return err
}

// LimitDocuments counts the documents of clients that a user has fetched from elsewhere,
// and refuses them one where there were too many. factor is that of Limits.
func LimitDocuments(limiter ratelimit.Limiter, factor float64) func(ctx context.Context, user identity.ID) error {
	return func(ctx context.Context, user identity.ID) error {
		if factor == 0 {
			return nil
		}
		if r := limiter.Take(ctx, perDocument.bucket(user.String()), perDocument.limit.Scaled(factor)); !r.Allowed {
			return errRateLimited(r)
		}
		return nil
	}
}

// spare counts the request in a bucket and reports whether there was room. It
// refuses nothing, so the headers do not name it.
func (s *Server) spare(c *gin.Context, p policy, key string) bool {
	if s.Config.Limits.Factor == 0 {
		return true
	}
	if s.Limiter.Take(c.Request.Context(), p.bucket(key), p.limit.Scaled(s.Config.Limits.Factor)).Allowed {
		return true
	}
	s.Metrics.RateLimited(p.name)
	return false
}

// giveBack returns what consumeLimit counted.
func (s *Server) giveBack(c *gin.Context, p policy, key string) {
	if s.Config.Limits.Factor != 0 {
		s.Limiter.Return(c.Request.Context(), p.bucket(key), p.limit.Scaled(s.Config.Limits.Factor))
	}
}

func (p policy) bucket(key string) string { return p.name + " " + key }

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
	var names []string
	for _, p := range byName {
		names = append(names, p.name)
	}
	for name := range byAddress {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
