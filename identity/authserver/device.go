package authserver

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/latchkey/latchkey/identity"
	"github.com/latchkey/latchkey/identity/client"
	"github.com/latchkey/latchkey/identity/session"
)

// A device has its codes for deviceLifetime, and asks every pollInterval whether the
// person has decided. One that asks too often has to wait longer each time, by
// pollInterval (RFC 8628, section 3.5), to pollIntervalMax at most. pollSlack is how far
// clocks of replicas are apart.
const (
	deviceLifetime  = 10 * time.Minute
	pollInterval    = 5 * time.Second
	pollIntervalMax = time.Minute
	pollSlack       = time.Second
)

// KeepDeviceRequests is how long a request is kept after it expired, so that a code that
// comes back is known.
const KeepDeviceRequests = 24 * time.Hour

// DeviceRequest is a request of a device that has no browser, or none to sign in with
// (RFC 8628). A person decides about it in a browser elsewhere.
type DeviceRequest struct {
	ID           identity.ID // and of the session that it makes
	ClientID     string
	DeviceHash   []byte // of the device's code
	UserMAC      []byte `bun:"user_mac"` // of the code that the person enters, which could be guessed from a hash
	Scopes       client.Words
	Resources    client.Words
	TeamID       *identity.ID
	IP           string // where the request came from
	UserAgent    string
	CreatedAt    time.Time
	ExpiresAt    time.Time
	PollInterval int // seconds
	PolledAt     *time.Time
	Approved     *bool        // nil until a person has decided
	UserID       *identity.ID // who did
	SessionID    *identity.ID // in which session
	GrantID      *identity.ID // what they agreed to; nil of a trusted client
	DecidedIP    string       `bun:"decided_ip"`
	UsedAt       *time.Time
}

// open reports whether a person can still decide about the request.
func (d DeviceRequest) open(now time.Time) bool { return d.Approved == nil && now.Before(d.ExpiresAt) }

// DeviceCodes are an answer of the device authorization endpoint (RFC 8628, section 3.2).
type DeviceCodes struct {
	Device    string
	User      string // as it is shown: in two groups
	ExpiresIn time.Duration
	Interval  time.Duration
}

// RequestDevice notes the request of a device and returns its codes. from is where the
// person is asked to believe that it came from.
func (s *Service) RequestDevice(ctx context.Context, c client.Client, form url.Values, from identity.RequestOrigin) (DeviceCodes, error) {
	if !c.Has(client.GrantDevice) {
		return DeviceCodes{}, errUnauthorizedClient()
	}
	r := Request{ClientID: c.ID, TeamID: c.TeamID}
	for _, read := range []func(client.Client, url.Values) *Refusal{r.readScope, r.readResources, r.readTeam} {
		if refusal := read(c, form); refusal != nil {
			return DeviceCodes{}, identity.NewError(identity.Code(refusal.Code), "%s", refusal.Description)
		}
	}
	if at := s.origin(c, form, from); at.IP != "" {
		from = at
	}
	now := s.now()
	d := DeviceRequest{
		ID: identity.NewID(), ClientID: c.ID, Scopes: r.Scopes, Resources: r.Resources, TeamID: r.TeamID, IP: from.IP, UserAgent: from.UserAgent,
		CreatedAt: now, ExpiresAt: now.Add(deviceLifetime), PollInterval: int(pollInterval.Seconds()),
	}
	var out DeviceCodes
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		out = DeviceCodes{User: newUserCode(), ExpiresIn: deviceLifetime, Interval: pollInterval}
		out.Device, d.DeviceHash = identity.NewSecret()
		d.UserMAC = macOf(s.userCodeKeys.Primary(), out.User)
		return s.store.InsertDeviceRequest(ctx, d)
	})
	out.User = out.User[:userCodeLength/2] + "-" + out.User[userCodeLength/2:]
	return out, err
}

// userCodeAlphabet has neither vowels, so that no word comes about, nor what looks alike
// (RFC 8628, section 6.1). A code is one of 2.5 * 10^10.
const (
	userCodeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength   = 8
)

func newUserCode() string {
	code := make([]byte, 0, userCodeLength)
	for len(code) < userCodeLength {
		var b [1]byte
		_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
		// The bytes beyond would make some letters likelier than others.
		if int(b[0]) < 256/len(userCodeAlphabet)*len(userCodeAlphabet) {
			code = append(code, userCodeAlphabet[int(b[0])%len(userCodeAlphabet)])
		}
	}
	return string(code)
}

// readUserCode returns a code as it was made from what a person typed, in any case and
// with whatever they put between the letters; "" for what can be none.
func readUserCode(typed string) string {
	var code strings.Builder
	for _, r := range typed {
		switch r = unicode.ToUpper(r); {
		case strings.ContainsRune(userCodeAlphabet, r):
			code.WriteRune(r)
		case unicode.IsLetter(r) || unicode.IsNumber(r) || code.Len() > userCodeLength:
			return ""
		}
	}
	if code.Len() != userCodeLength {
		return ""
	}
	return code.String()
}

func macOf(key []byte, code string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(code))
	return mac.Sum(nil)
}

func errUserCode() error {
	return identity.NewError(identity.CodeUserCodeUnknown, "this code is wrong, has expired or was used already").WithField("user_code")
}

// DeviceQuestion is what a person is asked about the request of a device.
type DeviceQuestion struct {
	Sealed    string // names the request to DecideDevice, for this person in this session
	Client    client.Client
	Scopes    []string
	Resources []string
	TeamID    *identity.ID
	TeamName  string
	From      identity.RequestOrigin // where it came from
	At        time.Time
}

// deviceQuestion is what DeviceQuestion.Sealed holds.
type deviceQuestion struct {
	ID        identity.ID `json:"i"`
	ClientID  string      `json:"c"`
	UserID    identity.ID `json:"u"`
	SessionID identity.ID `json:"s"`
}

// DeviceQuestion finds the request that a person has the code of. CodeUserCodeUnknown if
// there is none that is open.
func (s *Service) DeviceQuestion(ctx context.Context, typed string, p session.Principal, from identity.RequestOrigin) (DeviceQuestion, error) {
	code := readUserCode(typed)
	if code == "" {
		return DeviceQuestion{}, errUserCode()
	}
	var macs [][]byte
	for _, key := range s.userCodeKeys {
		macs = append(macs, macOf(key, code))
	}
	d, err := s.store.DeviceRequestByUserCode(ctx, macs)
	if errors.Is(err, identity.ErrNotFound) || err == nil && !d.open(s.now()) {
		err = errUserCode()
	}
	if err != nil {
		return DeviceQuestion{}, err
	}
	c, err := s.store.Client(ctx, d.ClientID)
	if errors.Is(err, identity.ErrNotFound) || err == nil && !stillForDevice(c, d) {
		err = errUserCode()
	}
	if err != nil {
		return DeviceQuestion{}, err
	}
	q := DeviceQuestion{
		Client: c, Scopes: d.Scopes, Resources: d.Resources, TeamID: d.TeamID, At: d.CreatedAt,
		From: identity.RequestOrigin{IP: d.IP, UserAgent: d.UserAgent},
	}
	if d.TeamID != nil {
		if err := s.requireTeam(ctx, p, from, *d.TeamID); err != nil {
			return DeviceQuestion{}, err
		}
		if q.TeamName, err = s.store.TeamName(ctx, *d.TeamID); err != nil {
			return DeviceQuestion{}, err
		}
	}
	q.Sealed, err = s.sealer.SealText(useDevice, deviceQuestion{ID: d.ID, ClientID: c.ID, UserID: p.User.ID, SessionID: p.Session.ID})
	return q, err
}

func stillForDevice(c client.Client, d DeviceRequest) bool {
	return c.Has(client.GrantDevice) && stillFor(c, d.Scopes, d.Resources, d.TeamID)
}

// requireTeam refuses a person who may not act in a team.
func (s *Service) requireTeam(ctx context.Context, p session.Principal, from identity.RequestOrigin, team identity.ID) error {
	err := s.sessions.RequireIn(ctx, p, from, team, false)
	if errors.Is(err, identity.ErrNotFound) {
		return identity.NewError(identity.CodeAccessDenied, "you are not in the team that this is for")
	}
	return err
}

// DecideDevice takes a person's answer. Allowing asks for a recent proof, of trusted
// clients too: another person may have sent them the code. CodeInvalidState where it is
// not theirs to decide any more.
func (s *Service) DecideDevice(ctx context.Context, sealed string, p session.Principal, actor identity.Actor, allow bool) error {
	var asked deviceQuestion
	if !s.sealer.OpenText(useDevice, sealed, &asked) || asked.UserID != p.User.ID || asked.SessionID != p.Session.ID {
		return errDeviceOver()
	}
	if allow {
		if err := actor.RequireRecentlyVerified(); err != nil {
			return err
		}
	}
	return s.store.InTx(ctx, func(ctx context.Context) error {
		// In the order of Agree and redeem, which a suspension waits for.
		users, err := s.store.LockUsers(ctx, p.User.ID)
		if err != nil {
			return err
		}
		if len(users) != 1 || !users[0].Active() {
			return session.ErrUnauthenticated()
		}
		c, err := s.store.HoldClient(ctx, asked.ClientID)
		if errors.Is(err, identity.ErrNotFound) {
			return errDeviceOver()
		}
		if err != nil {
			return err
		}
		d, err := s.store.LockDeviceRequest(ctx, asked.ID)
		now := s.now()
		if errors.Is(err, identity.ErrNotFound) || err == nil && !(d.open(now) && (stillForDevice(c, d) || !allow)) {
			return errDeviceOver()
		}
		if err != nil {
			return err
		}
		action := identity.ActionDeviceDenied
		if allow {
			action = identity.ActionDeviceApproved
			if d.TeamID != nil {
				if err := s.requireTeam(ctx, p, actor.Origin, *d.TeamID); err != nil {
					return err
				}
			}
			if !c.Trusted {
				g, err := s.consents.Agree(ctx, actor, client.Consent{ClientID: c.ID, TeamID: d.TeamID, Scopes: d.Scopes, Resources: d.Resources})
				if err != nil {
					return err
				}
				d.GrantID = &g.ID
			}
		}
		d.Approved, d.UserID, d.SessionID, d.DecidedIP = &allow, &p.User.ID, &p.Session.ID, actor.Origin.IP
		if err := s.store.UpdateDeviceRequest(ctx, d); err != nil {
			return err
		}
		e := actor.Event(action, s.now())
		e.UserID = &p.User.ID
		e.Data = identity.Metadata{"client_id": c.ID, "client": c.Name, "scopes": d.Scopes, "resources": d.Resources, "device_ip": d.IP, "device_user_agent": d.UserAgent}
		return s.store.RecordEvents(ctx, e)
	})
}

func errDeviceOver() error {
	return identity.NewError(identity.CodeInvalidState, "this request has expired or was decided already: start again on the device")
}

// ExchangeDevice gives tokens to a device once a person has allowed it (RFC 8628,
// section 3.4): CodePending before that, CodeSlowDown to one that asks too
// often. The code works once; a second use ends the session of the first.
func (s *Service) ExchangeDevice(ctx context.Context, c client.Client, form url.Values, from identity.RequestOrigin) (Tokens, error) {
	raw := form.Get("device_code")
	if raw == "" {
		return Tokens{}, missing("device_code")
	}
	if !c.Has(client.GrantDevice) {
		return Tokens{}, errUnauthorizedClient()
	}
	d, err := s.store.DeviceRequest(ctx, identity.HashSecret(raw))
	if errors.Is(err, identity.ErrNotFound) || err == nil && d.ClientID != c.ID {
		return Tokens{}, errInvalidGrant()
	}
	if err != nil {
		return Tokens{}, err
	}
	switch {
	case d.Approved != nil && !*d.Approved:
		return Tokens{}, identity.NewError(identity.CodeAccessDenied, "the person does not agree")
	case d.UsedAt == nil && !s.now().Before(d.ExpiresAt):
		return Tokens{}, errDeviceExpired()
	case d.Approved == nil:
		return Tokens{}, s.poll(ctx, d.ID)
	}
	at := s.origin(c, form, from)
	if at.IP == "" {
		at.IP = d.DecidedIP
	}
	return s.redeem(ctx, c, code{
		SessionID: d.ID, ClientID: d.ClientID, Scopes: d.Scopes, Resources: d.Resources, UserID: *d.UserID, ParentID: *d.SessionID,
		TeamID: d.TeamID, GrantID: d.GrantID, From: at, ExpiresAt: d.ExpiresAt.UnixMicro(),
	}, form, from, func(ctx context.Context) error {
		d, err := s.store.LockDeviceRequest(ctx, d.ID)
		if errors.Is(err, identity.ErrNotFound) || err == nil && d.UsedAt != nil {
			return errInvalidGrant()
		}
		if err != nil {
			return err
		}
		d.UsedAt = new(s.now())
		return s.store.UpdateDeviceRequest(ctx, d)
	})
}

func errDeviceExpired() error {
	return identity.NewError(identity.CodeExpiredToken, "the device_code has expired: start again")
}

// poll notes that a device has asked before the person decided, and says how it goes on.
func (s *Service) poll(ctx context.Context, id identity.ID) error {
	var answer error
	err := s.store.InTx(ctx, func(ctx context.Context) error {
		answer = identity.NewError(identity.CodePending, "the person has not decided yet")
		d, err := s.store.LockDeviceRequest(ctx, id)
		if err != nil {
			return err
		}
		now := s.now()
		if !d.open(now) { // meanwhile: the device hears of it the next time
			return nil
		}
		every := time.Duration(d.PollInterval) * time.Second
		if d.PolledAt != nil && now.Sub(*d.PolledAt) < every-pollSlack {
			every = min(every+pollInterval, pollIntervalMax)
			answer = identity.NewError(identity.CodeSlowDown, "ask every %d seconds", int(every.Seconds()))
		}
		d.PollInterval, d.PolledAt = int(every.Seconds()), &now
		return s.store.UpdateDeviceRequest(ctx, d)
	})
	if err != nil {
		return err
	}
	return answer
}
